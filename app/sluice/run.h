// run(): the whole main of an application.
//
//   int main(int argc, char** argv) {
//     return sluice::run<Settings>(argc, argv, {.name = "my_proxy", .version = "1.0", .description = "…"}, start);
//   }
//
// One binary, three lives. Started by hand it finds `sluice` and becomes the supervisor with itself as the application:
// all options are the supervisor's (`my_proxy -c my.yaml`). Started by the supervisor it is a worker. And it answers
// the supervisor's questions about its settings (--describe, --check). `start` runs once in each worker, inside the
// sandbox: it gets the tenant's `settings` section, read and checked, and returns Hooks, or a Result of them. A
// Settings type is a plain struct that describes itself (base/settings/describe.h); its fields appear in the generated
// configuration. A start that takes a second argument, std::span<const ParentState>, hears what the StateHooks of the
// workers before it had to say: at an upgrade, of one old worker, of several when there are fewer now, or of none.
#pragma once
#include <expected>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "app/sluice/hook.h"
#include "base/log.h"
#include "base/settings/settings.h"

namespace sluice {

/// Who the application is: shows up in logs, metrics and `--version`.
struct ApplicationInfo {
  std::string name;
  std::string version;
  std::string description;  ///< one line
};

/// For applications without settings of their own.
struct NoSettings {
  static constexpr std::string_view about = "This application has no settings of its own.";
  static constexpr void describe(auto& /*f*/) {}
};

namespace detail {

/// What run() hands to the code behind it (app/run/run.cc).
struct ErasedApplication {
  ApplicationInfo info;
  std::string yaml;    ///< the settings' commented defaults; empty without settings
  std::string schema;  ///< their JSON schema
  settings::Problems (*check)(const settings::Document& document) = nullptr;
  bool hears_parents = false;
  std::function<Result<HookSet>(const settings::Node& section, std::span<const ParentState> parents, Log& log)> start;
};
int run_application(int argc, char** argv, const ErasedApplication& application);

template <class C>
Result<HookSet> as_hook_set(Hooks<C> hooks) {
  return HookSet(std::move(hooks));
}
template <class C>
Result<HookSet> as_hook_set(Result<Hooks<C>> hooks) {
  if (!hooks) return fail(std::move(hooks.error()));
  return HookSet(std::move(*hooks));
}

}  // namespace detail

/// start(settings, parents)?
template <class Start, class Settings>
concept HearsParents = std::is_invocable_v<Start, const Settings&, std::span<const ParentState>>;

template <class Settings = NoSettings, class Start>
int run(int argc, char** argv, ApplicationInfo info, Start start) {
  detail::ErasedApplication application;
  application.info = std::move(info);
  if constexpr (!std::is_same_v<Settings, NoSettings>) {
    application.yaml = settings::to_yaml(Settings{});
    application.schema = settings::schema<Settings>({});
  }
  application.check = [](const settings::Document& document) {
    const std::expected<Settings, settings::Problems> read = settings::read<Settings>(document);
    return read ? settings::Problems{} : read.error();
  };
  application.hears_parents = HearsParents<Start, Settings>;
  application.start = [start = std::move(start)](const settings::Node& section,
                                                 [[maybe_unused]] std::span<const ParentState> parents,
                                                 Log& /*log*/) -> Result<detail::HookSet> {
    const std::expected<Settings, settings::Problems> read =
        settings::read<Settings>(settings::Document{.file = {}, .path = "settings", .root = section});
    if (!read) return fail(Code::kBadConfig, read.error().text());
    if constexpr (HearsParents<Start, Settings>) {
      return detail::as_hook_set(start(*read, parents));
    } else {
      return detail::as_hook_set(start(*read));
    }
  };
  return detail::run_application(argc, argv, application);
}

}  // namespace sluice
