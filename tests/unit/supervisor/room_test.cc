#include "supervisor/room.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

namespace sluice::supervisor {
namespace {

class RoomTest : public testing::Test {
 protected:
  RoomTest() { std::filesystem::create_directory(folder_); }
  ~RoomTest() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& file, const std::string& text) const { std::ofstream(folder_ + "/" + file) << text; }

  std::string folder_ = "/tmp/sluice-room-" + std::to_string(::getpid());
};

TEST_F(RoomTest, OfAGroupIsItsLimitLessWhatCannotGo) {
  write("memory.max", "1000000\n");
  write("memory.current", "700000\n");
  write("memory.stat", "anon 400000\ninactive_file 200000\n");
  const std::optional<Left> left = memory_left_in(folder_);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->amount, 500'000U);
  EXPECT_EQ(left->where, "memory.max of " + folder_);
}

TEST_F(RoomTest, OfAGroupThatIsFullIsNone) {
  write("memory.max", "1000\n");
  write("memory.current", "5000\n");
  EXPECT_EQ(memory_left_in(folder_)->amount, 0U);
}

TEST_F(RoomTest, KnowsVersionOne) {
  write("memory.limit_in_bytes", "1000000\n");
  write("memory.usage_in_bytes", "300000\n");
  write("memory.stat", "inactive_file 1\ntotal_inactive_file 100000\n");
  EXPECT_EQ(memory_left_in(folder_)->amount, 800'000U);
}

TEST_F(RoomTest, WithoutALimitThereIsNothingToSay) {
  EXPECT_FALSE(memory_left_in(folder_));
  write("memory.max", "max\n");
  write("memory.current", "5\n");
  EXPECT_FALSE(memory_left_in(folder_));
  write("memory.limit_in_bytes", "9223372036854771712\n");
  write("memory.usage_in_bytes", "5\n");
  EXPECT_FALSE(memory_left_in(folder_));
}

TEST(Room, OfThisMachineIsKnown) {
  ASSERT_TRUE(memory_left());
  EXPECT_GT(memory_left()->amount, 0U);
  const std::optional<Left> before = descriptors_left();
  ASSERT_TRUE(before);
  EXPECT_GT(before->amount, 0U);
}

TEST(Room, AProcessHasWhatItHasWritten) {
  constexpr std::size_t kSize = std::size_t{32} << 20U;
  const std::uint64_t before = memory_of(::getpid());
  EXPECT_GT(before, 0U);
  std::vector<char> large(kSize);
  std::memset(large.data(), 1, large.size());
  EXPECT_GE(memory_of(::getpid()), before + kSize / 2);
  EXPECT_EQ(large[kSize - 1], 1);
  EXPECT_EQ(memory_of(-1), 0U);
}

TEST(Room, SaysWithFiguresWhatIsMissing) {
  const Left memory{.amount = 10U << 20U, .where = "memory.max of /x"};
  const Left descriptors{.amount = 5, .where = "RLIMIT_NOFILE"};
  EXPECT_FALSE(lacks({.memory = 10U << 20U, .descriptors = 5}, memory, descriptors));
  EXPECT_FALSE(lacks({.memory = 1ULL << 50U, .descriptors = 5000}, std::nullopt, std::nullopt));
  EXPECT_EQ(lacks({.memory = 24U << 20U, .descriptors = 6}, memory, descriptors),
            "a new generation needs about 24.0 MiB of memory, and 10.0 MiB are left (memory.max of /x)");
  EXPECT_EQ(lacks({.memory = 0, .descriptors = 6}, memory, descriptors),
            "a new generation needs about 6 descriptors, and 5 are left (RLIMIT_NOFILE)");
}

}  // namespace
}  // namespace sluice::supervisor
