// The free lists behind coroutine frames: what is needed again is recycled, what is not goes back.
#include <gtest/gtest.h>
#include <malloc.h>

#include <vector>

#include "base/frames.h"
#include "base/memory.h"
#include "base/sanitizer.h"

namespace sluice {
namespace {

constexpr std::size_t kSize = 3000;
constexpr std::size_t kMany = 1000;

void come_and_go() {
  std::vector<void*> held;
  for (std::size_t i = 0; i < kMany; ++i) held.push_back(frames::allocate(kSize));
  for (void* frame : held) frames::free(frame, kSize);
}

std::size_t allocated() {
  return ::mallinfo2().uordblks;
}

class FramesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (kSanitized) GTEST_SKIP() << "under a sanitizer every frame comes from malloc";
  }
};

TEST_F(FramesTest, AreKeptWhileTheyComeAndGo) {
  const auto half_a_minute = [] {
    for (int i = 0; i < 60; ++i) {
      come_and_go();
      frames::trim();
    }
  };
  half_a_minute();  // what other tests of the process left goes
  const std::size_t before = allocated();
  half_a_minute();
  EXPECT_GE(allocated() + kSize, before);
}

TEST_F(FramesTest, GoBackWhenNobodyNeedsThemAnyMore) {
  come_and_go();
  const std::size_t before = allocated();
  for (int i = 0; i < 20; ++i) frames::trim();
  EXPECT_LE(allocated() + (kMany - 1) * kSize, before);
}

TEST_F(FramesTest, GoBackAtOnceWhenTheyAreGivenBack) {
  come_and_go();
  const std::size_t before = allocated();
  give_back_memory();
  EXPECT_LE(allocated() + kMany * kSize, before);
  come_and_go();
  EXPECT_EQ(frames::live(), 0);
}

}  // namespace
}  // namespace sluice
