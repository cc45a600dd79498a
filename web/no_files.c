#include "app/web_files.h"

const struct tt_static_files tt_web_files = {NULL, 0};
