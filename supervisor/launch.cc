// See launch.h.
#include "supervisor/launch.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/sanitizer.h"
#include "supervisor/identity.h"
#include "supervisor/namespaces.h"

namespace sluice::supervisor {
namespace {

constexpr int kExecLimitMs = 10'000;  // a binary on a dead network file system must not hang the supervisor

Result<Fd> spare(int fd) {
  Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, kFirstSpare));
  if (!copy) return fail_errno(errno, "fcntl(F_DUPFD_CLOEXEC)");
  return copy;
}

struct Ends {
  Fd read;
  Fd write;
};
Result<Ends> spare_pipe() {
  int raw[2];
  if (::pipe2(raw, O_CLOEXEC) != 0) return fail_errno(errno, "pipe2");
  const Fd low_read(raw[0]);
  const Fd low_write(raw[1]);
  auto read = spare(low_read.get());
  if (!read) return fail(std::move(read).error());
  auto write = spare(low_write.get());
  if (!write) return fail(std::move(write).error());
  return Ends{.read = *std::move(read), .write = *std::move(write)};
}

// The whole environment of a child. Sanitizers get settings that work without files and without ptrace.
std::vector<std::string> child_environment() {
  std::vector<std::string> chosen;
  for (const char* name :
       {"ASAN_OPTIONS", "UBSAN_OPTIONS", "LLVM_PROFILE_FILE", "SLUICE_BUGS_ARE_FATAL", "SLUICE_FAULTS"}) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
    std::string text = value != nullptr ? value : "";
    if (kSanitized && std::string_view(name).ends_with("SAN_OPTIONS"))
      text += std::string(text.empty() ? "" : ":") + "detect_leaks=0:symbolize=0";
    if (!text.empty()) chosen.push_back(std::string(name) + "=" + text);
  }
  return chosen;
}

std::vector<const char*> pointers(std::span<const std::string> texts) {
  std::vector<const char*> all;
  for (const std::string& text : texts) all.push_back(text.c_str());
  all.push_back(nullptr);
  return all;
}

// Signals stay blocked over the clone, so that no handler of the supervisor ever runs in the child.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    (void)::sigprocmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { (void)::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

struct Cloned {
  pid_t pid;
  Fd pidfd;
};
Result<Cloned> clone_child(std::uint64_t namespaces, const ChildPlan& plan) {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = CLONE_PIDFD | namespaces;
  arguments.pidfd = reinterpret_cast<std::uint64_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  const SignalsBlocked blocked;
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) run_child(plan);
  if (pid < 0) return fail_errno(errno, "clone3");
  return Cloned{.pid = static_cast<pid_t>(pid), .pidfd = Fd(pidfd)};
}

// Without a user namespace the ids are the host's, inside and outside.
Result<Cloned> clone_with(const Namespaces& namespaces, ChildPlan plan, const Identity& identity) {
  if ((namespaces.flags & CLONE_NEWUSER) != 0) {
    plan.nested = Nested::kForbidden;
  } else {
    plan.uid = identity.host.uid;
    plan.gid = identity.host.gid;
  }
  return clone_child(namespaces.flags, plan);
}

// Raising is everybody's right; below our own score only root may go.
void adjust_oom_score(pid_t pid, int by) {
  const Fd file(::open(("/proc/" + std::to_string(pid) + "/oom_score_adj").c_str(), O_RDWR | O_CLOEXEC));
  if (!file) return;
  char text[16] = {};
  if (::read(file.get(), text, sizeof text - 1) <= 0) return;
  const std::string wanted =
      std::to_string(std::min(1000, std::atoi(text) + by));  // NOLINT(cert-err34-c): the kernel's own
  (void)!::pwrite(file.get(), wanted.data(), wanted.size(), 0);
}

// What became of exec: nothing more to read means that it closed the pipe. Remarks on the way go into the protections.
Result<> exec_result(const Fd& report, Protection& nested) {
  pollfd waiting{.fd = report.get(), .events = POLLIN, .revents = 0};
  for (;;) {
    const int ready = ::poll(&waiting, 1, kExecLimitMs);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) return fail(Code::kTimeout, "the program did not start in time");
    ChildFailure failure{};
    const ssize_t got = ::read(report.get(), &failure, sizeof failure);
    if (got == 0) return {};
    if (got != sizeof failure) return fail(Code::kInternal, "the child's report is cut short");
    const Error error = Error::from_errno(failure.error, name(failure.step));
    if (failure.step != Step::kNested) return fail(error);
    nested.on = false;
    nested.why = error.message();
  }
}

void end(const Cloned& child) {
  (void)::kill(child.pid, SIGKILL);
  (void)reap(child.pid);
}

}  // namespace

int reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
  return status;
}

Result<Spawned> launch(const LaunchPlan& plan) {
  const std::vector<std::string> environment = child_environment();
  const std::vector<const char*> argv = pointers(plan.arguments);
  const std::vector<const char*> envp = pointers(environment);
  const Identity identity = choose_identity(plan.ids);

  auto go = spare_pipe();
  if (!go) return fail(std::move(go).error());
  auto report = spare_pipe();
  if (!report) return fail(std::move(report).error());
  std::vector<Fd> spares;
  ChildPlan child{.descriptors = {-1, -1, -1, -1},
                  .binary = -1,
                  .go = go->read.get(),
                  .report = report->write.get(),
                  .argv = argv.data(),
                  .envp = envp.data(),
                  .uid = plan.inner_id,
                  .gid = plan.inner_id,
                  .groups = identity.groups,
                  .restrict_to = plan.restrict_to,
                  .landlock = plan.landlock,
                  .limits = plan.limits,
                  .left = plan.left,
                  .most_seconds = plan.most_seconds};
  const auto keep = [&spares](int fd, int& into) -> Result<> {
    auto copy = spare(fd);
    if (!copy) return fail(std::move(copy).error());
    into = copy->get();
    spares.push_back(*std::move(copy));
    return {};
  };
  if (auto kept = keep(plan.binary, child.binary); !kept) return fail(std::move(kept).error());
  for (std::size_t i = 0; i < plan.descriptors.size(); ++i) {
    if (plan.descriptors[i] < 0) continue;
    if (auto kept = keep(plan.descriptors[i], child.descriptors[i]); !kept) return fail(std::move(kept).error());
  }

  Namespaces namespaces = all_of(plan.namespaces);
  auto cloned = clone_with(namespaces, child, identity);
  if (!cloned && plan.namespaces != 0) {
    namespaces = probe(plan.namespaces);
    cloned = clone_with(namespaces, child, identity);
  }
  if (!cloned) return fail(std::move(cloned).error());
  go->read.reset();
  report->write.reset();

  Spawned spawned{.pid = cloned->pid, .pidfd = Fd(), .protections = std::move(namespaces.report)};
  spawned.protections.push_back(identity.report);
  if ((namespaces.flags & CLONE_NEWUSER) != 0) {
    if (auto mapped = write_id_maps(cloned->pid, identity, plan.inner_id); !mapped) {
      end(*cloned);
      return fail(std::move(mapped).error().during("mapping the ids"));
    }
  }
  if (plan.cgroup != nullptr) spawned.protections.push_back(plan.cgroup->place(cloned->pid));
  if (plan.oom_score_adjust != 0) adjust_oom_score(cloned->pid, plan.oom_score_adjust);
  (void)!::write(go->write.get(), "g", 1);
  const bool own = (namespaces.flags & CLONE_NEWUSER) != 0;
  Protection nested{.name = "no nested namespaces", .on = own, .why = own ? "" : "needs a user namespace of its own"};
  if (auto started = exec_result(report->read, nested); !started) {
    end(*cloned);
    return fail(std::move(started).error());
  }
  spawned.protections.push_back(std::move(nested));
  spawned.pidfd = std::move(cloned->pidfd);
  return spawned;
}

}  // namespace sluice::supervisor
