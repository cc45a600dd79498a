/*
 * web_files: the web client inside the program; made by web/meson.build.
 */
#ifndef TT_APP_WEB_FILES_H
#define TT_APP_WEB_FILES_H

#include "edge/static.h"

/* Empty if the program was built with -Dweb=disabled. */
extern const struct tt_static_files tt_web_files;

#endif
