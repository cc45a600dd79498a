#include "core/planted.h"

enum tt_bug tt_planted;
