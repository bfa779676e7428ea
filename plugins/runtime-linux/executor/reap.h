/* The end of a container whose monitor is gone. */
#ifndef CORE_REAP_H
#define CORE_REAP_H

#include "keep.h"
#include "record.h"

/* Kills what is left, tears down, and writes `dir/exit` with the reason monitor-lost if there is none; `record` is what it
 * wrote, `written` whether it did. */
int reap(const struct keep *keep, struct exit_record *record, bool *written, struct err *err);

#endif
