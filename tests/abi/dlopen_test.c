/* The library as a plug-in: loaded, used and unloaded again and again. */
#include <dlfcn.h>
#include <llmq/llmq.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                              \
  do {                                                                \
    if (!(condition)) {                                               \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
      exit(1);                                                        \
    }                                                                 \
  } while (0)

typedef llmq_status_t (*create_fn)(const llmq_conf_t*, llmq_manager_t**, llmq_error_t**);
typedef llmq_status_t (*destroy_fn)(llmq_manager_t*);

/* ISO C has no cast from an object to a function; POSIX promises this one. */
static void look_up(void* library, const char* name, void* function) {
  *(void**)function = dlsym(library, name);
  CHECK(*(void**)function != NULL);
}

int main(void) {
  int i;
  for (i = 0; i < 50; ++i) {
    llmq_manager_t* manager = NULL;
    create_fn create;
    destroy_fn destroy;
    void* library = dlopen(LLMQ_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
    look_up(library, "llmq_manager_create", &create);
    look_up(library, "llmq_manager_destroy", &destroy);
    CHECK(create(NULL, &manager, NULL) == LLMQ_OK);
    CHECK(destroy(manager) == LLMQ_OK);
    CHECK(dlclose(library) == 0);
  }
  return 0;
}
