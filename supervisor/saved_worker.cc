// A worker and its process on their way from one program to the next: save() and go_on() of both. The child does not
// notice: its channel, its log and its memory stay the same open files, and its end is still ours to wait for.
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/hex.h"
#include "restart/saved_worker.h"
#include "supervisor/process.h"
#include "supervisor/takeover.h"
#include "supervisor/worker.h"

namespace sluice::supervisor {
namespace {

std::vector<restart::SavedProtection> saved(const std::vector<Protection>& protections) {
  std::vector<restart::SavedProtection> all;
  for (const Protection& one : protections) all.push_back({.name = one.name, .on = one.on, .why = one.why});
  return all;
}

std::vector<Protection> restored(const std::vector<restart::SavedProtection>& saved) {
  std::vector<Protection> all;
  for (const restart::SavedProtection& one : saved) all.push_back({.name = one.name, .on = one.on, .why = one.why});
  return all;
}

// Not reaped yet, so the number is still its own, whether it runs or not.
Fd pidfd_of(const Takeover& from, pid_t pid) {
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) from.give_back(Error::from_errno(errno, "pidfd_open"));
  return pidfd;
}

std::deque<ipc::Packet> queue_from(const Takeover& from, const std::vector<restart::SavedPacket>& saved) {
  std::deque<ipc::Packet> queue;
  for (const restart::SavedPacket& one : saved) {
    ipc::Packet packet{.bytes = from.must(from_hex(one.hex)), .fds = {}};
    for (const std::int32_t fd : one.fds) packet.fds.emplace_back(fd);
    queue.push_back(std::move(packet));
  }
  return queue;
}

std::optional<WorkerState> state_named(std::string_view text) {
  for (std::size_t i = 0; i < kWorkerStates; ++i)
    if (const auto state = static_cast<WorkerState>(i); name(state) == text) return state;
  return std::nullopt;
}

std::uint32_t in_ms(Millis pause) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(pause.count(), 0, UINT32_MAX));
}

}  // namespace

restart::SavedProcess Process::save() {
  restart::SavedProcess out{.pid = pid_,
                            .started = started_.count(),
                            .channel = channel_.channel().fd(),
                            .phase = static_cast<std::uint32_t>(channel_.phase()),
                            .said = channel_.conversation().seen(),
                            .queued = {},
                            .sockets = {given_.begin(), given_.end()},
                            .log = log_.save(),
                            .protections = saved(protections_)};
  for (const ipc::Packet& packet : channel_.channel().queue()) {
    restart::SavedPacket& waits = out.queued.emplace_back();
    waits.hex = to_hex(packet.bytes);
    for (const Fd& fd : packet.fds) waits.fds.push_back(fd.get());
  }
  return out;
}

std::unique_ptr<Process> Process::go_on(const Takeover& from, const restart::SavedProcess& saved, Loop& loop,
                                        LogSink& sink, ProcessOwner& owner, const Tenant& tenant, std::uint32_t index) {
  std::deque<ipc::Packet> queue = queue_from(from, saved.queued);
  Parts parts{
      .spawned = {.pid = saved.pid, .pidfd = pidfd_of(from, saved.pid), .protections = restored(saved.protections)},
      .channel = Fd(saved.channel),
      .log = Fd(saved.log.fd)};
  std::unique_ptr<Process> process(new Process(loop, sink, owner, tenant, index, std::move(parts)));
  process->started_ = Nanos(saved.started);
  process->given_.insert(saved.sockets.begin(), saved.sockets.end());
  process->channel_.conversation().go_on(static_cast<ipc::Phase>(saved.phase), saved.said);
  process->channel_.channel().go_on_with(std::move(queue));
  process->log_.go_on(saved.log);
  return process;
}

restart::SavedWorker Worker::save() const {
  restart::SavedWorker out;
  out.state = name(state_);
  out.since = since_.count();
  out.leave = static_cast<std::uint32_t>(leave_);
  out.accepting = static_cast<std::uint32_t>(accepting_);
  if (slab_ != nullptr) {
    const auto& all = context_.slabs.all();
    const auto found = std::ranges::find_if(all, [this](const auto& one) { return one.get() == slab_; });
    out.slab = static_cast<std::int32_t>(found - all.begin());
  }
  out.ledger = ledger_.save();
  out.trouble = static_cast<std::uint32_t>(trouble_);
  out.not_ready = not_ready_;
  out.asked = asked_;
  out.unanswered = unanswered_;
  out.kill_reason = kill_reason_;
  out.failed_why = failed_why_;
  out.memory_kills = memory_kills_;
  out.last_exit = last_exit_;
  out.last_words = last_words_;
  out.protections = saved(protections_);
  out.crashes = crashes_;
  out.lost_connections = lost_connections_;
  out.was_ready = was_ready_;
  out.straggled = straggled_;
  if (!kill_at_.is_never()) out.kill_at = kill_at_.since_boot().count();
  out.pause_ms = in_ms(next_pause_);
  out.next_pause_ms = in_ms(backoff_.next());
  for (const Nanos end : backoff_.ends()) out.ends.push_back(end.count());
  if (process_ != nullptr) out.process.push_back(process_->save());
  out.mailbox = mailbox_.get();
  out.kept = kept_;
  out.next_generation = successor_.generation;
  out.next_workers = successor_.workers;
  return out;
}

void Worker::go_on(const Takeover& from, const restart::SavedWorker& saved) {
  const std::optional<WorkerState> state = state_named(saved.state);
  if (!state || has_process(*state) == saved.process.empty())
    from.give_back(Error(Code::kBadSyntax, "a worker that cannot be in its state"));
  state_ = *state;
  since_ = Nanos(saved.since);
  leave_ = static_cast<Leave>(saved.leave);
  accepting_ = static_cast<Accepting>(saved.accepting);
  if (saved.slab >= 0) {
    slab_ = context_.slabs.all().at(static_cast<std::size_t>(saved.slab)).get();
    slab_->taken = true;
  }
  ledger_ = restart::Ledger::from(saved.ledger);
  trouble_ = static_cast<Trouble>(saved.trouble);
  not_ready_ = saved.not_ready;
  asked_ = saved.asked;
  unanswered_ = saved.unanswered;
  kill_reason_ = saved.kill_reason;
  failed_why_ = saved.failed_why;
  memory_kills_ = saved.memory_kills;
  last_exit_ = saved.last_exit;
  last_words_ = saved.last_words;
  protections_ = restored(saved.protections);
  crashes_ = saved.crashes;
  lost_connections_ = saved.lost_connections;
  was_ready_ = saved.was_ready;
  straggled_ = saved.straggled;
  if (saved.kill_at != 0) kill_at_ = Deadline(Nanos(saved.kill_at));
  next_pause_ = Millis(saved.pause_ms);
  std::deque<Nanos> ends;
  for (const std::int64_t end : saved.ends) ends.emplace_back(end);
  backoff_.go_on(Millis(saved.next_pause_ms), std::move(ends));
  mailbox_ = Fd(saved.mailbox);
  kept_ = saved.kept;
  successor_ = {.generation = saved.next_generation, .workers = saved.next_workers};
  if (!saved.process.empty())
    process_ = Process::go_on(from, saved.process.front(), context_.loop, context_.sink, *this, tenant_, index_);
}

}  // namespace sluice::supervisor
