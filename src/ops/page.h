// page.h: `--limit N --after ID` of the lists.
//
// Paging is by row number: a page begins behind the row that --after names, wherever that is, so
// that pages neither overlap nor skip when rows come and go in between, and the thousandth page
// costs what the first does.
#pragma once

#include "ops/op.h"

// Whose id --after takes, and by whose row numbers the list goes.
enum page_by { PAGE_BY_USER, PAGE_BY_PROJECT, PAGE_BY_CONFIG, PAGE_BY_API_KEY };

// The page that was asked for: PAGE_ALL when none was. ERR_NOT_FOUND when nothing has the id.
MUST_CHECK bool call_page(struct op_call *call, enum page_by by, struct page *ret_page,
                          struct err *err);
