#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "fuzz.h"

static void replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "%s: cannot be opened\n", path);
        exit(1);
    }
    static uint8_t bytes[1 << 20];
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    /* In memory of its exact size, so that a sanitizer sees the first byte too far. */
    uint8_t *exact = tt_alloc(size + 1);
    exact = tt_grow(exact, size > 0 ? size : 1, 1);
    memcpy(exact, bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
    tt_free(exact);
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        if (folder == NULL) {
            fprintf(stderr, "%s: no such folder\n", argv[i]);
            return 1;
        }
        for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
            char path[4096];
            if (entry->d_name[0] == '.')
                continue;
            int size = snprintf(path, sizeof(path), "%s/%s", argv[i], entry->d_name);
            TT_ASSERT(size > 0 && (size_t)size < sizeof(path));
            replay_file(path);
            count++;
        }
        closedir(folder);
    }
    printf("%d inputs\n", count);
    return count > 0 ? 0 : 1;
}
