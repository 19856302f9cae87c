// libevent keeps a record for each descriptor that it has seen: not in the heap.
#include "base/event_memory.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/eventfd.h>

#include <vector>

#include "base/fd.h"
#include "base/sanitizer.h"

namespace sluice {
namespace {

TEST(EventMemory, RecordsOfDescriptorsLieElsewhere) {
  if (kSanitized) GTEST_SKIP() << "under a sanitizer everything comes from malloc";
  give_events_their_place();
  constexpr std::size_t kMany = 500;
  event_base* const base = event_base_new();
  ASSERT_NE(base, nullptr);
  std::vector<Fd> fds;
  std::vector<event> events(kMany);
  for (std::size_t i = 0; i < kMany; ++i) fds.emplace_back(::eventfd(0, EFD_CLOEXEC));
  const std::size_t before = ::mallinfo2().uordblks;
  for (std::size_t i = 0; i < kMany; ++i) {
    ASSERT_EQ(event_assign(&events[i], base, fds[i].get(), EV_READ, [](evutil_socket_t, short, void*) {}, nullptr), 0);
    ASSERT_EQ(event_add(&events[i], nullptr), 0);
  }
  // a table of pointers grows there, 8 bytes for each descriptor number, by doubling
  EXPECT_LT(::mallinfo2().uordblks, before + kMany * 16 + 4096);
  for (event& one : events) event_del(&one);
  event_base_free(base);
}

}  // namespace
}  // namespace sluice
