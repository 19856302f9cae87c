// See memory.h.
#include "base/memory.h"

#include <malloc.h>

#include "base/buffer.h"

namespace sluice {

void give_back_memory() {
  frames::give_back();
  Buffer::give_back();
#ifdef __GLIBC__
  (void)::malloc_trim(0);
#endif
}

}  // namespace sluice
