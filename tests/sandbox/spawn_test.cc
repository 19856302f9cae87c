// spawn() and run_sandboxed() with /bin/sh as the program: what it inherits, what it may do, how its end is seen.
#include "supervisor/spawn.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <fstream>

#include "supervisor/launch.h"

namespace sluice::supervisor {
namespace {
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

bool root() {
  return ::geteuid() == 0;
}

const Protection& protection(const Spawned& spawned, std::string_view name) {
  const auto found = std::ranges::find(spawned.protections, name, &Protection::name);
  if (found == spawned.protections.end()) throw std::runtime_error("no protection called " + std::string(name));
  return *found;
}

// A shell as the worker, its channel a socketpair and its log a pipe, both in our hands.
class Shell {
 public:
  explicit Shell(const std::string& script, std::optional<Ids> ids = {}, Cgroup* cgroup = nullptr) {
    int pair[2];
    int pipe[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 || ::pipe2(pipe, O_CLOEXEC) != 0) std::abort();
    channel_ = Fd(pair[0]);
    log_ = Fd(pipe[0]);
    const Fd theirs(pair[1]);
    const Fd log(pipe[1]);
    auto binary = open_binary("/bin/sh");
    result_ = spawn({.binary = binary->get(),
                     .arguments = {"sh", "-c", script},
                     .channel = theirs.get(),
                     .log = log.get(),
                     .ids = ids,
                     .cgroup = cgroup,
                     .oom_score_adjust = 500});
  }
  ~Shell() {
    if (result_ && !reaped_) {
      (void)::kill(result_->pid, SIGKILL);
      (void)reap(result_->pid);
    }
  }
  Shell(const Shell&) = delete;
  Shell& operator=(const Shell&) = delete;

  [[nodiscard]] const Result<Spawned>& result() const { return result_; }
  [[nodiscard]] int channel() const { return channel_.get(); }
  std::string log() { return read_all(log_); }
  std::string from_channel() { return read_all(channel_); }
  int status() {
    reaped_ = true;
    return reap(result_->pid);
  }

 private:
  static std::string read_all(const Fd& from) {
    std::string all;
    std::array<char, 4096> bytes{};
    for (ssize_t got = 0; (got = ::read(from.get(), bytes.data(), bytes.size())) > 0;)
      all.append(bytes.data(), static_cast<std::size_t>(got));
    return all;
  }
  Fd channel_;
  Fd log_;
  Result<Spawned> result_ = fail(Code::kInternal);
  bool reaped_ = false;
};

TEST(Spawn, GivesExactlyFourDescriptors) {
  const Fd stray(::open("/dev/null", O_RDONLY));  // inheritable on purpose
  Shell shell("echo to-log >&2; echo to-channel >&3; ls -l /proc/self/fd >&3");
  ASSERT_TRUE(shell.result()) << shell.result().error().message();
  EXPECT_EQ(shell.log(), "to-log\n");
  const std::string seen = shell.from_channel();
  EXPECT_THAT(seen, HasSubstr("to-channel"));
  EXPECT_THAT(seen, testing::ContainsRegex("0 -> [^ ]*/dev/null"));
  EXPECT_THAT(seen, Not(HasSubstr("5 -> "))) << seen;  // 4 is ls's own look at the folder
  EXPECT_EQ(shell.status(), 0);
}

TEST(Spawn, PassesNoEnvironmentButTheChosenFew) {
  ::setenv("SECRET_OF_THE_OPERATOR", "x", 1);
  ::setenv("SLUICE_BUGS_ARE_FATAL", "1", 1);
  Shell shell("tr '\\0' '\\n' < /proc/self/environ >&3");
  const std::string seen = shell.from_channel();
  EXPECT_THAT(seen, Not(HasSubstr("SECRET")));
  EXPECT_THAT(seen, HasSubstr("SLUICE_BUGS_ARE_FATAL=1"));
}

TEST(Spawn, SaysWhyExecFailed) {
  const Fd log(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const Fd text(::open("/etc/passwd", O_PATH | O_CLOEXEC));
  const auto result =
      spawn({.binary = text.get(), .arguments = {"x"}, .channel = log.get(), .log = log.get(), .ids = {}});
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().message(), HasSubstr("execveat"));
  EXPECT_EQ(result.error().sys(), EACCES);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child was left behind";
}

TEST(Spawn, LeavesNoDescriptorBehind) {
  const auto count = [] {
    int open = 0;
    for (int fd = 0; fd < 256; ++fd) open += ::fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    return open;
  };
  const int before = count();
  for (int i = 0; i < 5; ++i) Shell("exit 0").status();
  EXPECT_EQ(count(), before);
}

TEST(Spawn, IsTheFirstProcessOfItsOwnNamespaces) {
  Shell shell(
      "echo pid $$ >&3; echo ids $(id -u) $(id -g) >&3; hostname inside 2>&1 >&3; readlink /proc/self/ns/net >&3");
  ASSERT_TRUE(shell.result());
  for (const char* name : {"user namespace", "mount namespace", "pid namespace", "ipc namespace", "uts namespace"})
    if (!protection(*shell.result(), name).on) GTEST_SKIP() << name << ": " << protection(*shell.result(), name).why;
  const std::string seen = shell.from_channel();
  EXPECT_THAT(seen, HasSubstr("pid 1\n"));
  EXPECT_THAT(seen, HasSubstr("ids 0 0\n"));
}

TEST(Spawn, TakesTheTenantsIdsAsRootAndSaysWhyNotOtherwise) {
  const Ids ids = PrivateIds().of("acme");
  Shell shell("read line <&3; exit 7", ids);
  ASSERT_TRUE(shell.result());
  std::ifstream file("/proc/" + std::to_string(shell.result()->pid) + "/status");
  const std::string status((std::istreambuf_iterator<char>(file)), {});
  const Protection& own = protection(*shell.result(), "own uid");
  EXPECT_EQ(own.on, root());
  if (root()) {
    EXPECT_THAT(status, HasSubstr("Uid:\t" + std::to_string(ids.uid)));
    EXPECT_THAT(status, HasSubstr("Groups:\t \n"));
  } else {
    EXPECT_THAT(own.why, HasSubstr("cannot take another id"));
    EXPECT_THAT(status, HasSubstr("Uid:\t" + std::to_string(::getuid())));
  }
  ASSERT_EQ(::write(shell.channel(), "\n", 1), 1);
  EXPECT_EQ(WEXITSTATUS(shell.status()), 7);
}

TEST(Spawn, RaisesTheOomScore) {
  Shell shell("cat /proc/self/oom_score_adj >&3");
  EXPECT_GE(std::stoi(shell.from_channel()), 500);
}

TEST(Spawn, PidfdShowsTheEnd) {
  Shell shell("kill -9 $$; read x <&3");
  ASSERT_TRUE(shell.result());
  if (!protection(*shell.result(), "pid namespace").on) GTEST_SKIP() << "no pid namespace here";
  pollfd waiting{.fd = shell.result()->pidfd.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&waiting, 1, 100), 0) << "a signal from inside ended the first process of a pid namespace";
  (void)::kill(shell.result()->pid, SIGKILL);
  EXPECT_EQ(::poll(&waiting, 1, 5000), 1);
  EXPECT_EQ(WTERMSIG(shell.status()), SIGKILL);
}

TEST(Spawn, PutsTheWorkerIntoItsTenantsCgroup) {
  Cgroups cgroups;
  const auto group = cgroups.make("acme", 64U << 20);
  Shell shell("read x <&3; exit 0", {}, group.get());
  ASSERT_TRUE(shell.result());
  const Protection& limit = protection(*shell.result(), "cgroup memory limit");
  if (!limit.on) {
    EXPECT_NE(limit.why, "");
    GTEST_SKIP() << limit.why;
  }
  std::ifstream file("/proc/" + std::to_string(shell.result()->pid) + "/cgroup");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_THAT(text, HasSubstr(".acme\n"));
  (void)::kill(shell.result()->pid, SIGKILL);
  (void)shell.status();
}

TEST(Spawn, MemoryLimitEndsAHogAndIsCounted) {
  Cgroups cgroups;
  const auto group = cgroups.make("hog", 32U << 20);
  Shell shell("read x <&3; x=$(head -c 100000000 /dev/zero | tr '\\0' x); exit 0", {}, group.get());
  ASSERT_TRUE(shell.result());
  if (!protection(*shell.result(), "cgroup memory limit").on) GTEST_SKIP();
  ASSERT_EQ(::write(shell.channel(), "\n", 1), 1);
  EXPECT_NE(shell.status(), 0);
  EXPECT_GE(group->memory_kills(), 1U);
}

TEST(PrivateIds, AreStableAndNeverShared) {
  PrivateIds one;
  PrivateIds other;
  EXPECT_EQ(one.of("acme").uid, other.of("acme").uid);
  std::vector<std::uint32_t> all;
  for (int i = 0; i < 2000; ++i) all.push_back(one.of("tenant" + std::to_string(i)).uid);
  std::ranges::sort(all);
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
  EXPECT_GE(all.front(), 1'900'000'000U);
  EXPECT_LT(all.back(), 1'900'065'536U);
}

Result<Output> run(const std::string& script, std::string input = {}) {
  auto binary = open_binary("/bin/sh");
  return run_sandboxed({.binary = binary->get(),
                        .arguments = {"sh", "-c", script},
                        .input = std::move(input),
                        .ids = PrivateIds().of("tool"),
                        .time_limit = std::chrono::milliseconds(1500)});
}

TEST(RunSandboxed, GivesInputAndTakesOutputErrorsAndStatus) {
  const auto result = run("read line; echo got $line; echo oops >&2; exit 3", "hello\n");
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->output, "got hello\n");
  EXPECT_EQ(result->errors, "oops\n");
  EXPECT_EQ(result->status, 3);
}

TEST(RunSandboxed, WritesNoFile) {
  const std::string target = "/tmp/sluice-must-not-exist";
  const auto result =
      run("echo x > " + target +
          "; echo x > /dev/shm/sluice-must-not-exist; mkdir /tmp/sluice-no; echo x >/proc/self/oom_score_adj; id -u");
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_NE(::access(target.c_str(), F_OK), 0);
  EXPECT_NE(::access("/dev/shm/sluice-must-not-exist", F_OK), 0);
  EXPECT_NE(::access("/tmp/sluice-no", F_OK), 0);
}

TEST(RunSandboxed, HasNoNetworkAndNoRights) {
  const auto result = run("cat /proc/self/net/dev 2>&1 | grep -c : ; grep -E 'CapEff|NoNewPrivs' /proc/self/status");
  ASSERT_TRUE(result);
  EXPECT_THAT(result->output, HasSubstr("CapEff:\t0000000000000000"));
  EXPECT_THAT(result->output, HasSubstr("NoNewPrivs:\t1"));
}

TEST(RunSandboxed, EndsAtTheTimeLimit) {
  const auto result = run("sleep 60");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::kTimeout);
  const auto silent = run("exec >&- 2>&-; sleep 60");
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code(), Code::kTimeout);
}

TEST(RunSandboxed, EndsWhenItTalksTooMuch) {
  const auto result =
      run("while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::kTooLarge);
}

}  // namespace
}  // namespace sluice::supervisor
