/* prinex: functions that no file may call; force-included before everything else
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BASE_BANNED_H
#define PX_BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Each name becomes an undeclared identifier that says what is wrong. */
#define PX_BANNED(f) px_banned_##f##_is_not_allowed_here

#undef strcpy
#define strcpy(...) PX_BANNED(strcpy)
#undef strcat
#define strcat(...) PX_BANNED(strcat)
#undef strncpy
#define strncpy(...) PX_BANNED(strncpy)
#undef strncat
#define strncat(...) PX_BANNED(strncat)
#undef strtok
#define strtok(...) PX_BANNED(strtok)
#undef sprintf
#define sprintf(...) PX_BANNED(sprintf)
#undef vsprintf
#define vsprintf(...) PX_BANNED(vsprintf)
#undef gets
#define gets(...) PX_BANNED(gets)
#undef atoi
#define atoi(...) PX_BANNED(atoi)
#undef atol
#define atol(...) PX_BANNED(atol)
#undef gmtime
#define gmtime(...) PX_BANNED(gmtime)
#undef localtime
#define localtime(...) PX_BANNED(localtime)
#undef ctime
#define ctime(...) PX_BANNED(ctime)
#undef asctime
#define asctime(...) PX_BANNED(asctime)
#undef alloca
#define alloca(...) PX_BANNED(alloca)

#endif
