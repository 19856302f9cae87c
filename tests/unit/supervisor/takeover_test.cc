// A state that the new program cannot read goes back to the one that wrote it.
#include "supervisor/takeover.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "base/sys.h"
#include "ipc/memfd.h"
#include "ipc/messages.h"

namespace sluice::supervisor {
namespace {

// What the program before was told, when it is echo(1); and how the child ended.
struct Back {
  std::string told;
  int status = -1;
};

Back give_back(const std::string& state, const std::string& returned) {
  const Fd file = *ipc::seal_bytes("state", state);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  const Fd ours(ends[0]);
  Fd theirs(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    (void)::dup2(theirs.get(), STDOUT_FILENO);
    (void)::fcntl(file.get(), F_SETFD, 0);
    give_back_unread(file.get(), {"echo", "-n"}, returned, Error(Code::kBadSyntax, "nonsense"));
  }
  theirs.reset();
  Back back;
  std::array<char, 1000> block{};
  for (ssize_t size = 0; (size = ::read(ours.get(), block.data(), block.size())) > 0;)
    back.told.append(block.data(), static_cast<std::size_t>(size));
  int status = 0;
  (void)::waitpid(child, &status, 0);
  back.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return back;
}

class TakeoverTest : public testing::Test {
 protected:
  [[nodiscard]] std::string state() const {
    return R"({"version":999,"program":{"fd":)" + std::to_string(echo_.get()) + "}}";
  }
  Fd echo_{::open("/bin/echo", O_RDONLY)};  // stays open over exec
};

TEST_F(TakeoverTest, AnUnreadableStateGoesBackWithTheReason) {
  ASSERT_TRUE(echo_);
  const Back back = give_back(state(), "");
  EXPECT_EQ(back.status, 0);
  EXPECT_TRUE(back.told.starts_with("--resume ")) << back.told;
  EXPECT_TRUE(back.told.ends_with(" --returned nonsense")) << back.told;
}

TEST_F(TakeoverTest, AStateThatHasComeBackGoesNowhere) {
  const Back back = give_back(state(), "it could not either");
  EXPECT_EQ(back.status, 1);
  EXPECT_EQ(back.told, "");
}

TEST_F(TakeoverTest, AStateOfNobodyGoesNowhere) {
  const Back back = give_back(R"({"version":999})", "");
  EXPECT_EQ(back.status, 1);
  EXPECT_EQ(back.told, "");
}

TEST(Understand, RefusesWorkersThatSpeakAnotherVersion) {
  restart::SavedState state;
  state.log_level = "info";
  EXPECT_TRUE(understand(state)) << "a program that did not say";
  state.protocol = ipc::kProtocolVersion;
  EXPECT_TRUE(understand(state));
  ++state.protocol;
  const Result<> understood = understand(state);
  ASSERT_FALSE(understood);
  EXPECT_EQ(understood.error().code(), Code::kUnsupported);
}

}  // namespace
}  // namespace sluice::supervisor
