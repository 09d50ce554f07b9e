// http1_fields.c: questions to the fields of a head; see http1.h.
#include "base/text.h"
#include "wire/http1.h"
#include "wire/http1_bytes.h"

const struct http_field *http_field(const struct http_head *head, struct view name,
                                    size_t *ret_count)
{
    const struct http_field *first = NULL;
    size_t count = 0;
    for (size_t i = 0; i < head->field_count; i++) {
        if (!text_same(head->fields[i].name, name))
            continue;
        if (count++ == 0)
            first = &head->fields[i];
        if (!ret_count)
            break;
    }
    if (ret_count)
        *ret_count = count;
    return first;
}

static struct view trim(struct view text)
{
    while (text.size > 0 && http_is_blank(text.data[0]))
        text = view_skip(text, 1);
    while (text.size > 0 && http_is_blank(text.data[text.size - 1]))
        text.size--;
    return text;
}

// The bytes of the list's first element; a comma in quotes is not the end of it.
static size_t element_size(struct view list)
{
    bool quoted = false;
    size_t i = 0;
    for (; i < list.size && (quoted || list.data[i] != ','); i++) {
        if (list.data[i] == '"')
            quoted = !quoted;
        else if (quoted && list.data[i] == '\\')
            i++;
    }
    return i < list.size ? i : list.size;
}

bool http_lists_token(struct view value, struct view token)
{
    if (view_equal(value, token))
        return true;
    while (value.size > 0) {
        size_t size = element_size(value);
        struct view element = {value.data, size};
        const char *parameters = memchr(element.data, ';', size);
        if (parameters)
            element.size = (size_t)(parameters - element.data);
        if (text_same(trim(element), token))
            return true;
        value = view_skip(value, size < value.size ? size + 1 : size);
    }
    return false;
}
