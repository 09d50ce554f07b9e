// intake.h: what a client's message is, and whether it is in order, before it becomes a call: the
// era, the session, the headers that repeat what the body says (MCP 2026-07-28), batches
// (2025-03-26), notifications and answers to questions. Implements front_post, front_get and
// front_delete of front.h.
#pragma once
