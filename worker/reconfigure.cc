// See reconfigure.h.
#include "worker/reconfigure.h"

#include "ipc/settings/settings.h"
#include "worker/boot.h"
#include "worker/offramp/origin_pool.h"
#include "worker/telemetry/access_log.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {

Result<> Reconfigurer::begin(std::uint64_t number, const Fd& settings) {
  prepared_.reset();
  under_way_.reset();
  Result<ipc::SealedBytes> bytes = ipc::SealedBytes::open(settings.get(), kMaxSettings);
  if (!bytes) return fail(std::move(bytes).error().during("opening the settings"));
  under_way_.emplace(number, *std::move(bytes));
  return {};
}

Result<> Reconfigurer::next() {
  Result<> done = step(*under_way_);
  if (!done || prepared_) under_way_.reset();
  return done;
}

Result<> Reconfigurer::step(UnderWay& it) {
  if (it.maker == nullptr) {
    if (Result<> read = it.reader.next(); !read) return fail(std::move(read).error().during("reading the settings"));
    return it.reader.done() ? all_read(it) : Result<>();
  }
  if (Result<> made = it.maker->next(); !made) return made;
  if (!it.maker->done()) return {};
  parts_.metrics.learn(parts_.names);
  prepared_ = {.number = it.number, .policy = it.maker->take(), .source = std::move(it.source)};
  return {};
}

Result<> Reconfigurer::all_read(UnderWay& it) {
  auto settings = std::make_shared<const ipc::TenantSettings>(it.reader.take());
  if (Result<> may = may_adopt(parts_.first, *settings); !may) return may;
  Result<SourceLimits> source = Limits::source_limits(settings->limits.source);
  if (!source) return fail(std::move(source).error());
  it.source = *std::move(source);
  it.maker = std::make_unique<PolicyMaker>(
      std::move(settings), PolicyMakings{.pool = parts_.pool, .names = parts_.names, .trust = parts_.trust});
  return {};
}

bool Reconfigurer::adopt(std::uint64_t number) {
  if (!prepared_ || prepared_->number != number) return false;
  const ipc::TenantSettings& settings = *prepared_->policy->settings;
  parts_.limits.adopt(settings.limits, std::move(prepared_->source));
  parts_.access_log.adopt(settings.access_log, parts_.names);
  parts_.pool.adopt(prepared_->policy->upstreams, settings.upstreams, prepared_->policy->tls);
  parts_.policy = std::move(prepared_->policy);
  prepared_.reset();
  return true;
}

}  // namespace sluice::worker
