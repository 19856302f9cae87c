// Buffer: what is written comes out in order, and storage is held only while there is a reason to.
#include "base/buffer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace sluice {
namespace {

TEST(Buffer, HasNoStorageUntilSomethingIsWritten) {
  const std::size_t before = Buffer::blocks_in_use();
  Buffer buffer;
  EXPECT_FALSE(buffer.has_storage());
  EXPECT_TRUE(buffer.tail().empty());
  EXPECT_EQ(Buffer::blocks_in_use(), before);
}

TEST(Buffer, GivesBytesBackInOrder) {
  Buffer buffer;
  buffer.append("hello ");
  buffer.append("world");
  buffer.consume(3);
  EXPECT_EQ(buffer.view(), "lo world");
}

TEST(Buffer, GrowsBeyondOneBlockAndKeepsItsBytes) {
  Buffer buffer;
  const std::string big(3 * Buffer::kBlock, 'x');
  buffer.append("start ");
  buffer.append(big);
  EXPECT_EQ(buffer.view(), "start " + big);
}

TEST(Buffer, MovesWhatIsLeftToTheFrontToMakeRoom) {
  Buffer buffer;
  buffer.append(std::string(Buffer::kBlock - 4, 'a') + "tail");
  buffer.consume(Buffer::kBlock - 4);
  const auto space = buffer.space(1024);
  ASSERT_GE(space.size(), 1024U);
  std::memset(space.data(), 'b', 1024);
  buffer.commit(1024);
  EXPECT_EQ(buffer.view(), "tail" + std::string(1024, 'b'));
}

TEST(Buffer, ReturnsItsBlockOnRelease) {
  const std::size_t before = Buffer::blocks_in_use();
  Buffer buffer;
  buffer.append("x");
  EXPECT_EQ(Buffer::blocks_in_use(), before + 1);
  buffer.release();
  EXPECT_EQ(Buffer::blocks_in_use(), before);
  EXPECT_TRUE(buffer.empty());
}

TEST(Buffer, GivesBackOnlyWhatNobodyUses) {
  Buffer buffer;
  buffer.append("kept");
  {
    Buffer other;
    other.append("gone");
  }
  Buffer::give_back();
  EXPECT_EQ(buffer.view(), "kept");
  Buffer later;
  later.append("new");
  EXPECT_EQ(later.view(), "new");
}

}  // namespace
}  // namespace sluice
