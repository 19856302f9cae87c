// The supervisor on its way from one program to the next: what it knows, becoming the next one, and going on.
#include "base/version.h"
#include "ipc/memfd.h"
#include "ipc/messages.h"
#include "supervisor/supervisor.h"
#include "supervisor/takeover.h"

namespace sluice::supervisor {

restart::SavedState Supervisor::save() const {
  restart::SavedState state;
  state.version = restart::kStateVersion;
  state.protocol = ipc::kProtocolVersion;
  state.program = {.path = origins_.program.path(),
                   .version = std::string(version()),
                   .fd = origins_.program.fd(),
                   .filters = origins_.filters};
  state.started = started_.count();
  state.log_level = name(log_.level());
  state.log_fd = sink_.fd();
  state.log_rest = sink_.rest();
  for (const Protection& one : origins_.protections)
    state.protections.push_back({.name = one.name, .on = one.on, .why = one.why});
  generations_->save(state);
  state.address_map = store_.map();
  for (const Orphan& orphan : orphans_) state.orphans.push_back({.pid = orphan.pid, .fd = orphan.process.get()});
  upgrader_->save(state);
  control_->save(state);
  return state;
}

Error Supervisor::become(const Fd& program, const std::string& checked) {
  log_.flush();
  restart::SavedState state = save();
  state.checked = checked;
  const std::string text = restart::write_state(state);
  // what we cannot read ourselves is nothing to hand on
  if (const Result<restart::SavedState> read = restart::read_state(text); !read)
    return Error(read.error()).during("writing down what is known");
  const Result<Fd> file = ipc::seal_bytes("state", text);
  if (!file) return file.error();
  std::vector<std::int32_t> keep = restart::descriptors_of(state);
  keep.push_back(file->get());
  std::vector<std::string> arguments = origins_.arguments;
  arguments.insert(arguments.end(), {std::string(kResume), std::to_string(file->get())});
  return supervisor::become(program.get(), arguments, keep);
}

void Supervisor::go_on(const Takeover& from) {
  begin_ = Begin::kGoOn;
  started_ = Nanos(from.state().started);
  from.must(prepare_process());
  generations_ = Generations::go_on(from, loop_, log_, sink_);
  upgrader_ = std::make_unique<Upgrader>(upgrader_context());
  upgrader_->go_on(from);
  control_ = Control::go_on(from, loop_, log_, *this);
  store_.go_on_with(from.state().address_map);
  roster_ = std::make_unique<Roster>(from.state().control.path);
  for (const restart::SavedOrphan& orphan : from.state().orphans) {
    orphans_.push_back({.pid = orphan.pid, .process = Fd(orphan.fd)});
    roster_->remember_orphan(orphan.pid);
  }
  generations_->publish_facts();
}

}  // namespace sluice::supervisor
