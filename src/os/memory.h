// memory.h: the process's memory as a whole.
#pragma once

// Gives back to the system what is free but kept for later: after a flood of large messages it
// would else stay with the process. Takes up to some milliseconds.
void memory_trim(void);
