// sluice-admin: the application of the built-in tenant, a worker like any other: same boot, same sandbox, same on-ramp.
// Its HTTP hook answers every request by itself, from the slabs that the supervisor shows it; nothing is forwarded.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

#include "app/admin/answer.h"
#include "app/sluice/hook.h"
#include "base/version.h"
#include "worker/worker.h"

namespace sluice::admin {
namespace {

class Answers final : public HttpHook<> {
 public:
  explicit Answers(const SlabSet& slabs) : slabs_(slabs) {}

  Task<HttpDecision> on_request(HttpExchange<> exchange) override {
    const RequestHead& request = exchange.request();
    Answer answer = admin::answer(request.method_text(), request.path(), request.query(), slabs_);
    co_return HttpDecision::respond(answer.status, std::move(answer.body))
        .with("content-type", std::string(answer.content_type))
        .with("cache-control", "no-store");
  }

 private:
  const SlabSet& slabs_;
};

int run() {
  SlabSet slabs;
  Result<> first_slabs;  // those that came before the start
  Log* log = nullptr;    // since the start
  const auto start = [&](const settings::Node& /*section*/, std::span<const ParentState> /*parents*/,
                         Log& its) -> Result<detail::HookSet> {
    if (!first_slabs) return fail(std::move(first_slabs).error());
    log = &its;
    Hooks<> hooks;
    hooks.http = std::make_unique<Answers>(slabs);
    return detail::HookSet(std::move(hooks));
  };
  const auto take = [&](const ipc::Slabs& message, std::vector<Fd> fds) {
    Result<> taken = slabs.add(message, std::move(fds));
    if (taken) return;
    if (log != nullptr)
      log->error("slab not readable", {{"error", taken.error().message()}});
    else
      first_slabs = std::move(taken);
  };
  return worker::run_worker({.name = "sluice-admin", .version = std::string(version()), .start = start, .slabs = take});
}

}  // namespace
}  // namespace sluice::admin

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--worker") return sluice::admin::run();
  std::fputs("sluice-admin is started by sluice: see admin in its configuration\n", stderr);
  return EXIT_FAILURE;
}
