#include "model/push_address.h"

const char *tt_push_provider_name(enum tt_push_provider provider)
{
    switch (provider) {
    case TT_PUSH_NONE:
        break;
    case TT_PUSH_APNS:
        return "apns";
    case TT_PUSH_FCM:
        return "fcm";
    case TT_PUSH_WEBPUSH:
        return "webpush";
    }
    return "none";
}
