// What an application leaves to its next generation comes as it was written, or not at all.
#include "restart/parent_state.h"

#include <gtest/gtest.h>

#include "ipc/memfd.h"

namespace sluice::restart {
namespace {

TEST(ParentState, ComesAsItWasWritten) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{70'000}, kMostParentState}) {
    const Result<Fd> file = make_parent_state();
    ASSERT_TRUE(file);
    const std::string bytes(size, 'x');
    ASSERT_TRUE(write_parent_state(*file, bytes));
    ASSERT_TRUE(seal_parent_state(*file));
    const Result<std::string> back = read_parent_state(*file);
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, bytes);
  }
}

TEST(ParentState, IsEmptyWhenNothingWasWritten) {
  const Result<Fd> file = make_parent_state();
  ASSERT_TRUE(file);
  ASSERT_TRUE(seal_parent_state(*file));
  EXPECT_EQ(*read_parent_state(*file), "");
}

TEST(ParentState, HasABound) {
  const Result<Fd> file = make_parent_state();
  ASSERT_TRUE(file);
  EXPECT_FALSE(write_parent_state(*file, std::string(kMostParentState + 1, 'x')));
}

TEST(ParentState, IsNotReadBeforeItIsSealed) {
  const Result<Fd> file = make_parent_state();
  ASSERT_TRUE(file);
  ASSERT_TRUE(write_parent_state(*file, "a"));
  EXPECT_FALSE(read_parent_state(*file));
  ASSERT_TRUE(seal_parent_state(*file));
  EXPECT_FALSE(write_parent_state(*file, "b"));
  EXPECT_EQ(*read_parent_state(*file), "a");
}

TEST(ParentState, ThatSaysItIsLargerThanItIsIsRefused) {
  for (const std::string_view bytes : {std::string_view(), std::string_view("\1\0\0", 3),
                                       std::string_view("\5\0\0\0abcd", 8), std::string_view("\377\377\377\377", 4)}) {
    const Result<Fd> file = ipc::seal_bytes("test", bytes);
    ASSERT_TRUE(file);
    EXPECT_FALSE(read_parent_state(*file));
  }
}

}  // namespace
}  // namespace sluice::restart
