// See reconfigure.h.
#include "worker/reconfigure.h"

#include "ipc/memfd.h"
#include "ipc/settings/settings.h"
#include "worker/boot.h"
#include "worker/offramp/origin_pool.h"
#include "worker/telemetry/access_log.h"
#include "worker/telemetry/metrics.h"

namespace sluice::worker {

Result<> Reconfigurer::prepare(std::uint64_t number, const Fd& settings) {
  prepared_.reset();
  auto bytes = ipc::SealedBytes::open(settings.get(), kMaxSettings);
  if (!bytes) return fail(std::move(bytes).error().during("opening the settings"));
  auto read = ipc::tenant_from_json(bytes->view());
  if (!read) return fail(std::move(read).error().during("reading the settings"));
  if (Result<> may = may_adopt(parts_.first, *read); !may) return may;
  Result<SourceLimits> source = Limits::source_limits(read->limits.source);
  if (!source) return fail(std::move(source).error());
  auto policy = make_policy(std::make_shared<const ipc::TenantSettings>(*std::move(read)),
                            {.pool = parts_.pool, .names = parts_.names, .trust = parts_.trust});
  if (!policy) return fail(std::move(policy).error());
  parts_.metrics.learn(parts_.names);
  prepared_ = {.number = number, .policy = *std::move(policy), .source = *std::move(source)};
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
