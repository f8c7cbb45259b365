/* Plays exported models of ddsp-tf in real time, on LiteRT's C library.

   A `DdspModel` is one voice: an exported folder with its state. Its functions compute in the
   calling thread, one hop per call. A `DdspPlayer` runs a model in a thread of its own; an audio
   callback takes blocks of any size from it and neither computes, nor allocates, nor waits.

   Audio is mono at the model's sample rate. Features are in physical units, in the order of
   `ddsp_feature`: f0_hz in Hz (0 for no pitch), loudness_db or power_db in dB. */

#ifndef DDSP_TF_DDSP_H_
#define DDSP_TF_DDSP_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct DdspModel DdspModel;
typedef struct DdspPlayer DdspPlayer;

/* Opens the stream of an exported folder. `precision` is "float32", "float16" or "int8". Returns
   null on failure, with one line about it in `error`. */
DdspModel *ddsp_open(const char *folder, const char *precision, char *error, size_t error_size);
void ddsp_close(DdspModel *model);

int ddsp_sample_rate(const DdspModel *model);
/* Samples per frame. */
int ddsp_hop(const DdspModel *model);
/* Samples by which the audio is delayed. */
int ddsp_latency(const DdspModel *model);
int ddsp_n_features(const DdspModel *model);
const char *ddsp_feature(const DdspModel *model, int index);
/* Numbers of the timbre that the model takes, 0 if it has none. */
int ddsp_timbre_size(const DdspModel *model);
/* Instruments of a model of several, 0 of a model of one; and their names. */
int ddsp_n_instruments(const DdspModel *model);
const char *ddsp_instrument(const DdspModel *model, int index);

/* Returns to silence at phase 0, with the beginning of the noise that belongs to the seed. */
void ddsp_reset(DdspModel *model, uint32_t seed);
/* Sets the timbre, `ddsp_timbre_size` numbers; until then it is the training data's mean. */
void ddsp_set_timbre(DdspModel *model, const float *z);
/* Sets the weights of the instruments, `ddsp_n_instruments` numbers; until then they are equal. */
void ddsp_set_instrument(DdspModel *model, const float *weights);
/* Plays one hop: `features` of one frame -> `audio`, `ddsp_hop` samples. `noise` is as long as the
   audio, in [-1, 1]; null for white noise. Returns 0, or LiteRT's error after writing silence.
   The host's own code allocates nothing here, but LiteRT allocates small objects in every call. */
int ddsp_step(DdspModel *model, const float *features, const float *noise, float *audio);

/* 1 if the model can listen, which needs listen.tflite. */
int ddsp_can_listen(const DdspModel *model);
/* Samples by which the features that `ddsp_listen` hears are late. */
int ddsp_listening_latency(const DdspModel *model);
/* Hears one hop: `recorded`, `ddsp_hop` samples -> `features` of a frame, for `ddsp_step`. Returns
   0, or LiteRT's error after writing features of silence. */
int ddsp_listen(DdspModel *model, const float *recorded, float *features);

/* Starts to play a model, which must not be used otherwise until `ddsp_stop`. The audio is late by
   `hops_ahead` hops, at least 1, in addition to `ddsp_latency`: the time that the thread has for its
   work. Blocks longer than a hop need as many hops more as they contain. The thread inherits the
   priority of the caller. Returns null if there is no thread. */
DdspPlayer *ddsp_start(DdspModel *model, int hops_ahead);
void ddsp_stop(DdspPlayer *player);
/* For the audio callback: takes `samples` of audio. Each hop that begins in them is played with
   `features`. Does not allocate, lock, or wait; what is not ready in time is silent. */
void ddsp_play(DdspPlayer *player, const float *features, float *audio, int samples);
/* The same with the features of what is `recorded` in the same block, as from a microphone. A hop
   is heard when it is complete, so that the audio is late by one hop and by
   `ddsp_listening_latency` in addition. Only for models that can listen. */
void ddsp_transfer(DdspPlayer *player, const float *recorded, float *audio, int samples);
/* Hops that were not ready in time, or that LiteRT failed to play. */
long ddsp_missed(const DdspPlayer *player);

#ifdef __cplusplus
}
#endif

#endif
