// Sealed bytes: what a sender can no longer change and a receiver does not simply believe.
#include "ipc/memfd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>

namespace sluice::ipc {
namespace {

TEST(SealedBytes, ReadWhatWasSealed) {
  const std::string text(100'000, 'x');
  const Fd fd = *seal_bytes("text", text);
  const Result<SealedBytes> bytes = SealedBytes::open(fd.get(), text.size());
  ASSERT_TRUE(bytes);
  EXPECT_EQ(bytes->view(), text);
  const Fd empty = *seal_bytes("empty", "");
  EXPECT_EQ(SealedBytes::open(empty.get(), 0)->view(), "");
}

TEST(SealedBytes, CannotBeChangedByAnybody) {
  const Fd fd = *seal_bytes("text", "abc");
  EXPECT_EQ(::pwrite(fd.get(), "x", 1, 0), -1);
  EXPECT_EQ(errno, EPERM);
  EXPECT_EQ(::ftruncate(fd.get(), 1), -1);
  EXPECT_EQ(::ftruncate(fd.get(), 9), -1);
}

TEST(SealedBytes, RefuseAFileThatIsNotSealed) {
  const Fd fd = *make_memfd("text");
  ASSERT_EQ(::write(fd.get(), "abc", 3), 3);
  EXPECT_EQ(SealedBytes::open(fd.get(), 10).error().code(), Code::kForbidden);
  ASSERT_EQ(::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
  EXPECT_EQ(SealedBytes::open(fd.get(), 10).error().code(), Code::kForbidden);
  const Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(SealedBytes::open(null.get(), 10).error().code(), Code::kForbidden);
  EXPECT_EQ(SealedBytes::open(-1, 10).error().code(), Code::kForbidden);
}

TEST(SealedBytes, RefuseMoreThanTheBound) {
  const Fd fd = *seal_bytes("text", "abcd");
  EXPECT_EQ(SealedBytes::open(fd.get(), 3).error().code(), Code::kTooLarge);
}

}  // namespace
}  // namespace sluice::ipc
