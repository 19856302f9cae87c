// See boot.h.
#include "worker/boot.h"

#include <fmt/format.h>
#include <sys/prctl.h>

#include <algorithm>
#include <utility>

#include "ipc/memfd.h"
#include "ipc/settings/parts.h"
#include "worker/sandbox/fatal_signals.h"
#include "worker/sandbox/sandbox.h"

namespace sluice::worker {
namespace {

Result<> configure(Booted& booted, ipc::Configure message, std::vector<Fd> fds) {
  auto bytes = ipc::SealedBytes::open(fds[0].get(), kMaxSettings);
  if (!bytes) return fail(std::move(bytes).error().during("opening the settings"));
  auto settings = ipc::tenant_from_parts(bytes->view());
  if (!settings) return fail(std::move(settings).error().during("reading the settings"));
  booted.settings = *std::move(settings);
  booted.slab = std::move(fds[1]);
  booted.log.set_level(message.log_level);
  booted.configure = std::move(message);
  // what ps shows: "acme/0"; 15 characters are the kernel's limit
  const std::string name = fmt::format("{:.11}/{}", booted.configure.tenant, booted.configure.worker_index);
  (void)::prctl(PR_SET_NAME, name.c_str(), 0, 0, 0);
  return {};
}

void take(Booted& booted, ipc::Listeners message, std::vector<Fd> fds) {
  for (std::size_t i = 0; i < fds.size(); ++i) {
    if (message.items[i].duty != ipc::Duty::kAccept) {
      booted.datagrams.push_back({.item = std::move(message.items[i]), .socket = std::move(fds[i])});
      continue;
    }
    booted.listeners.push_back({.number = message.items[i].socket,
                                .endpoint = message.items[i].endpoint_index,
                                .socket = std::move(fds[i]),
                                .address = std::move(message.items[i].address)});
  }
}

void take(Booted& booted, ipc::Slabs message, std::vector<Fd> fds) {
  for (std::size_t i = 0; i < fds.size(); ++i)
    booted.other_slabs.push_back({.tenant = std::move(message.items[i].tenant),
                                  .worker_index = message.items[i].worker_index,
                                  .number = message.items[i].number,
                                  .memory = std::move(fds[i])});
}

enum class Step : std::uint8_t { kMore, kBegin };

Result<Step> receive(Booted& booted) {
  auto received = booted.channel.receive_blocking(Deadline::never());  // the supervisor keeps the time
  if (!received) return fail(std::move(received).error());
  return std::visit(
      ipc::On{
          [&](ipc::Configure& message) -> Result<Step> {
            if (auto done = configure(booted, std::move(message), std::move(received->fds)); !done)
              return fail(std::move(done).error());
            return Step::kMore;
          },
          [&](ipc::Listeners& message) -> Result<Step> {
            take(booted, std::move(message), std::move(received->fds));
            return Step::kMore;
          },
          [&](ipc::Slabs& message) -> Result<Step> {
            take(booted, std::move(message), std::move(received->fds));
            return Step::kMore;
          },
          [&](ipc::Mailboxes& message) -> Result<Step> {
            booted.mailboxes.push_back({.message = std::move(message), .fds = std::move(received->fds)});
            return Step::kMore;
          },
          [&](ipc::ParentState& message) -> Result<Step> {
            booted.parents.push_back({.version = std::move(message.version), .file = std::move(received->fds.front())});
            return Step::kMore;
          },
          [&](ipc::Keys& message) -> Result<Step> {
            booted.keys.push_back({.message = std::move(message), .fds = std::move(received->fds)});
            return Step::kMore;
          },
          [&](ipc::KeyUser& message) -> Result<Step> {
            booted.key_users.push_back(
                {.tenant = std::move(message.tenant), .channel = std::move(received->fds.front())});
            return Step::kMore;
          },
          [&](ipc::Keyholder&) -> Result<Step> {
            booted.keyholder = std::move(received->fds.front());
            return Step::kMore;
          },
          [&](ipc::TicketKeys& message) -> Result<Step> {
            booted.ticket_keys = std::move(message);
            return Step::kMore;
          },
          [&](ipc::SetLogLevel& message) -> Result<Step> {
            booted.log.set_level(message.level);
            return Step::kMore;
          },
          [&](ipc::Begin&) -> Result<Step> {
            if (!booted.slab) return fail(Code::kProtocol, "Begin came before Configure");
            return Step::kBegin;
          },
          [&](ipc::Accept&) -> Result<Step> { return fail(Code::kProtocol, "Accept came before Ready"); },
          [&](ipc::Pause&) -> Result<Step> { return fail(Code::kProtocol, "Pause came before Ready"); },
          [&](ipc::HandOver&) -> Result<Step> { return fail(Code::kProtocol, "HandOver came before Ready"); },
          [&](ipc::TakeOver&) -> Result<Step> { return fail(Code::kProtocol, "TakeOver came before Ready"); },
          [&](ipc::Reconfigure&) -> Result<Step> { return fail(Code::kProtocol, "Reconfigure came before Ready"); },
          [&](ipc::Adopt&) -> Result<Step> { return fail(Code::kProtocol, "Adopt came before Ready"); },
          [&](ipc::SaveState&) -> Result<Step> { return fail(Code::kProtocol, "SaveState came before Ready"); },
          [&](ipc::Stop&) -> Result<Step> { return fail(Code::kClosed, "stopped while starting"); },
          [&](ipc::Drain&) -> Result<Step> { return fail(Code::kClosed, "drained while starting"); },
      },
      received->message);
}

// Tells whoever still listens; that may be nobody.
Error refuse(Booted& booted, Error error) {
  const std::string why = error.message();
  booted.log.error("worker cannot start", {{"why", why}});
  (void)booted.channel.post(ipc::Failed{.why = why});
  (void)booted.channel.flush_blocking(Deadline(steady_now() + Millis(1000)));
  return error;
}

seccomp::Mode mode_of(ipc::Seccomp mode) {
  switch (mode) {
    case ipc::Seccomp::kKill:
      return seccomp::Mode::kKill;
    case ipc::Seccomp::kLog:
      return seccomp::Mode::kLog;
    case ipc::Seccomp::kOff:
      return seccomp::Mode::kOff;
  }
  return seccomp::Mode::kKill;
}

Layer layer(bool on) {
  return on ? Layer::kOn : Layer::kOff;
}

Sources sources_of(const ipc::TenantSettings& tenant) {
  const auto chooses = [](const ipc::OffRampSettings& off_ramp) { return !off_ramp.source_addresses.empty(); };
  const bool any =
      chooses(tenant.forward) || std::ranges::any_of(tenant.upstreams, chooses, &ipc::UpstreamSettings::off_ramp);
  return any ? Sources::kChosen : Sources::kKernel;
}

Result<> close_door(Booted& booted, Sources sources) {
  const ipc::SandboxSettings& wanted = booted.settings.sandbox;
  auto report = enter_sandbox({.seccomp = mode_of(wanted.seccomp),
                               .namespaces = layer(wanted.namespaces),
                               .landlock = layer(wanted.landlock),
                               .sources = sources,
                               .descriptors = booted.settings.limits.descriptors});
  if (!report) return fail(refuse(booted, std::move(report).error()));
  ipc::Protections message;
  for (Protection& one : *report)
    message.items.push_back({.name = std::move(one.name), .on = one.on, .why = std::move(one.why)});
  if (auto said = booted.channel.post(message); !said) return fail(refuse(booted, std::move(said).error()));
  return {};
}

}  // namespace

Result<std::unique_ptr<Booted>> boot(const BootRequest& request) {
  make_signals_fatal();
  auto booted = std::make_unique<Booted>();
  if (auto said = booted->channel.post(
          ipc::Hello{.application = std::string(request.application), .version = std::string(request.version)});
      !said)
    return fail(refuse(*booted, std::move(said).error()));
  for (;;) {
    auto step = receive(*booted);
    if (!step) return fail(refuse(*booted, std::move(step).error()));
    if (*step == Step::kBegin) return booted;
  }
}

Result<> enter_sandbox(Booted& booted) {
  return close_door(booted, sources_of(booted.settings));
}

Result<> enter_keyholder_sandbox(Booted& booted) {
  return close_door(booted, Sources::kNone);
}

}  // namespace sluice::worker
