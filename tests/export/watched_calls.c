/* Counts what the example's calls of `ddsp_play` or `ddsp_transfer`, or else of `ddsp_step`,
   allocate and lock, and prints it at the end. Linked with -Wl,--wrap=... for the three. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

struct counts {
  long calls, allocated, freed, locked;
};
static struct counts of_play, of_step;
static _Thread_local struct counts *watched;

static void allocated(void) {
  if (watched) watched->allocated++;
}
void *malloc(size_t bytes) {
  allocated();
  return __libc_malloc(bytes);
}
void *calloc(size_t count, size_t bytes) {
  allocated();
  return __libc_calloc(count, bytes);
}
void *realloc(void *memory, size_t bytes) {
  allocated();
  return __libc_realloc(memory, bytes);
}
void *aligned_alloc(size_t alignment, size_t bytes) {
  allocated();
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void **memory, size_t alignment, size_t bytes) {
  allocated();
  *memory = __libc_memalign(alignment, bytes);
  return *memory == NULL;
}
void free(void *memory) {
  if (watched && memory) watched->freed++;
  __libc_free(memory);
}
int pthread_mutex_lock(pthread_mutex_t *mutex) {
  static int (*next)(pthread_mutex_t *);
  if (!next) next = (int (*)(pthread_mutex_t *))dlsym(RTLD_NEXT, "pthread_mutex_lock");
  if (watched) watched->locked++;
  return next(mutex);
}

void __real_ddsp_play(void *player, const float *features, float *audio, int samples);
void __wrap_ddsp_play(void *player, const float *features, float *audio, int samples) {
  watched = &of_play;
  of_play.calls++;
  __real_ddsp_play(player, features, audio, samples);
  watched = NULL;
}

void __real_ddsp_transfer(void *player, const float *recorded, float *audio, int samples);
void __wrap_ddsp_transfer(void *player, const float *recorded, float *audio, int samples) {
  watched = &of_play;
  of_play.calls++;
  __real_ddsp_transfer(player, recorded, audio, samples);
  watched = NULL;
}

int __real_ddsp_step(void *model, const float *features, const float *noise, float *audio);
int __wrap_ddsp_step(void *model, const float *features, const float *noise, float *audio) {
  watched = &of_step;
  of_step.calls++;
  int status = __real_ddsp_step(model, features, noise, audio);
  watched = NULL;
  return status;
}

__attribute__((destructor)) static void report(void) {
  struct counts found = of_play.calls ? of_play : of_step;
  printf("calls %ld allocated %ld freed %ld locked %ld\n", found.calls, found.allocated,
         found.freed, found.locked);
}
