#include "supervisor/roster.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace sluice::supervisor {
namespace {

// A process that is there until the test ends.
class Someone {
 public:
  Someone() : pid_(::fork()) {
    if (pid_ != 0) return;
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) ::pause();
  }
  Someone(const Someone&) = delete;
  Someone& operator=(const Someone&) = delete;
  ~Someone() { end(); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  void end() {
    if (pid_ <= 0) return;
    (void)::kill(pid_, SIGKILL);
    (void)::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_;
};

class RosterTest : public testing::Test {
 protected:
  RosterTest() {
    std::string name = testing::TempDir() + "roster_test.XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~RosterTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string socket() const { return folder_ + "/control.sock"; }
  [[nodiscard]] std::string text() const {
    std::ifstream in(socket() + ".workers");
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // The first line is the supervisor: from now on it is one that is dead.
  void supervisor_dies() const {
    const std::string now = text();
    std::ofstream(socket() + ".workers") << "2000000000 1\n" << now.substr(now.find('\n') + 1);
  }

  std::string folder_;
};

TEST_F(RosterTest, HasTheWorkersOfADeadSupervisorOnly) {
  Someone worker;
  Someone gone;
  Roster first(socket());
  ASSERT_TRUE(first.update({worker.pid(), 0, gone.pid()}, "{}"));
  EXPECT_TRUE(Roster(socket()).left().orphans.empty()) << "its supervisor lives";
  supervisor_dies();
  gone.end();
  EXPECT_EQ(Roster(socket()).left().orphans.size(), 1U);
}

TEST_F(RosterTest, KeepsOrphansUntilTheyAreForgotten) {
  const Someone orphan;
  const Someone worker;
  {
    Roster first(socket());
    ASSERT_TRUE(first.update({orphan.pid()}, "{}"));
    supervisor_dies();
    Roster second(socket());
    EXPECT_EQ(second.left().orphans.size(), 1U);
    ASSERT_TRUE(second.update({worker.pid()}, "{}"));
    const std::string both = text();
    supervisor_dies();  // before it could tell them anything
    Roster third(socket());
    EXPECT_EQ(third.left().orphans.size(), 2U) << both;
    third.forget_orphans();
    ASSERT_TRUE(third.update({worker.pid()}, "{}"));
    supervisor_dies();
    EXPECT_EQ(Roster(socket()).left().orphans.size(), 1U);
  }
  EXPECT_FALSE(std::filesystem::exists(socket() + ".workers")) << "everybody has left in order";
}

TEST_F(RosterTest, StaysForTheOrphansOfAStartThatFailed) {
  const Someone orphan;
  {
    Roster first(socket());
    ASSERT_TRUE(first.update({orphan.pid()}, "{}"));
    supervisor_dies();
    {
      Roster failed(socket());
      EXPECT_EQ(failed.left().orphans.size(), 1U);
      ASSERT_TRUE(failed.update({}, "{}"));
    }
    supervisor_dies();
    EXPECT_EQ(Roster(socket()).left().orphans.size(), 1U);
  }
}

}  // namespace
}  // namespace sluice::supervisor
