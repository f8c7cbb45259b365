/* Declarations of the functions of LiteRT's C library that ddsp.cc calls.

   The wheel of ai-edge-litert contains the library (libLiteRt.so) and no headers. These
   declarations hold for LiteRT 2.2 and 2.3; the whole interface is in litert/c/ of LiteRT's repository
   (https://github.com/google-ai-edge/LiteRT, Apache-2.0). Every function returns 0 on success. */

#ifndef DDSP_TF_LITERT_H_
#define DDSP_TF_LITERT_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef int LiteRtStatus;
typedef struct LiteRtEnvironmentT *LiteRtEnvironment;
typedef struct LiteRtModelT *LiteRtModel;
typedef struct LiteRtSignatureT *LiteRtSignature;
typedef struct LiteRtTensorT *LiteRtTensor;
typedef struct LiteRtOptionsT *LiteRtOptions;
typedef struct LiteRtOpaqueOptionsT *LiteRtOpaqueOptions;
typedef struct LiteRtCompiledModelT *LiteRtCompiledModel;
typedef struct LiteRtTensorBufferT *LiteRtTensorBuffer;

enum { LITERT_CPU = 1, LITERT_FLOAT32 = 1, LITERT_ANY_INT = 2, LITERT_SEVERITY_ERROR = 3 };
enum { LITERT_OPTION_ACCELERATORS = 24, LITERT_OPTION_MIN_SEVERITY = 25 };

typedef struct {
  int tag; /* LITERT_OPTION_... */
  struct {
    int type; /* LITERT_ANY_INT */
    union {
      int64_t integer;
      const void *pointer;
    } value;
  } any;
} LiteRtEnvironmentOption;

typedef struct {
  int element_type; /* LITERT_FLOAT32 */
  unsigned int rank : 7;
  unsigned int has_strides : 1;
  int32_t dimensions[8];
  uint32_t strides[8];
} LiteRtRankedTensorType;

LiteRtStatus LiteRtCreateEnvironment(int n_options, const LiteRtEnvironmentOption *options,
                                     LiteRtEnvironment *environment);
void LiteRtDestroyEnvironment(LiteRtEnvironment environment);

LiteRtStatus LiteRtCreateModelFromFile(LiteRtEnvironment environment, const char *path,
                                       LiteRtModel *model);
void LiteRtDestroyModel(LiteRtModel model);
LiteRtStatus LiteRtGetNumModelSignatures(LiteRtModel model, size_t *count);
LiteRtStatus LiteRtGetModelSignature(LiteRtModel model, size_t index, LiteRtSignature *signature);

LiteRtStatus LiteRtGetSignatureKey(LiteRtSignature signature, const char **key);
LiteRtStatus LiteRtGetNumSignatureInputs(LiteRtSignature signature, size_t *count);
LiteRtStatus LiteRtGetNumSignatureOutputs(LiteRtSignature signature, size_t *count);
LiteRtStatus LiteRtGetSignatureInputName(LiteRtSignature signature, size_t index,
                                         const char **name);
LiteRtStatus LiteRtGetSignatureOutputName(LiteRtSignature signature, size_t index,
                                          const char **name);
LiteRtStatus LiteRtGetSignatureInputTensorByIndex(LiteRtSignature signature, size_t index,
                                                  LiteRtTensor *tensor);
LiteRtStatus LiteRtGetSignatureOutputTensorByIndex(LiteRtSignature signature, size_t index,
                                                   LiteRtTensor *tensor);
LiteRtStatus LiteRtGetRankedTensorType(LiteRtTensor tensor, LiteRtRankedTensorType *type);

LiteRtStatus LiteRtCreateOptions(LiteRtOptions *options);
void LiteRtDestroyOptions(LiteRtOptions options);
LiteRtStatus LiteRtSetOptionsHardwareAccelerators(LiteRtOptions options, int accelerators);
LiteRtStatus LiteRtCreateOpaqueOptions(const char *identifier, void *data,
                                       void (*destroy)(void *), LiteRtOpaqueOptions *opaque);
LiteRtStatus LiteRtAddOpaqueOptions(LiteRtOptions options, LiteRtOpaqueOptions opaque);

LiteRtStatus LiteRtCreateCompiledModel(LiteRtEnvironment environment, LiteRtModel model,
                                       LiteRtOptions options, LiteRtCompiledModel *compiled);
void LiteRtDestroyCompiledModel(LiteRtCompiledModel compiled);
LiteRtStatus LiteRtRunCompiledModel(LiteRtCompiledModel compiled, size_t signature,
                                    size_t n_inputs, LiteRtTensorBuffer *inputs,
                                    size_t n_outputs, LiteRtTensorBuffer *outputs);

/* `memory` must be aligned to 64 bytes; it stays the caller's if `destroy` is null. */
LiteRtStatus LiteRtCreateTensorBufferFromHostMemory(const LiteRtRankedTensorType *type,
                                                    void *memory, size_t bytes,
                                                    void (*destroy)(void *),
                                                    LiteRtTensorBuffer *buffer);
void LiteRtDestroyTensorBuffer(LiteRtTensorBuffer buffer);

#ifdef __cplusplus
}
#endif

#endif
