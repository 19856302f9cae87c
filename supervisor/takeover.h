// Takeover: going on where the program before this one stood. Whoever restores a part of the state asks must() of each
// step that can fail; when one does, the program before takes over again, by exec from the descriptor that the state
// has of it and with the same state, and no destructor runs here: one would close, kill or remove what belongs to it.
//
// Owned by main(), for as long as the state is being restored.
#pragma once
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/log.h"
#include "base/result.h"
#include "restart/saved_state.h"

namespace sluice::supervisor {

/// The argument that has the number of the state's descriptor, and the one that says why the state comes back.
inline constexpr std::string_view kResume = "--resume";
inline constexpr std::string_view kReturned = "--returned";

class Takeover {
 public:
  /// `arguments` are those of the command line, without the two above; `returned` is empty unless the state came back.
  Takeover(restart::SavedState state, Fd file, std::vector<std::string> arguments, std::string returned)
      : state_(std::move(state)),
        file_(std::move(file)),
        before_(state_.program.fd),
        arguments_(std::move(arguments)),
        returned_(std::move(returned)) {}
  Takeover(Takeover&&) = delete;

  [[nodiscard]] const restart::SavedState& state() const { return state_; }
  [[nodiscard]] const std::string& returned() const { return returned_; }

  /// First of all: what the state names is ours, and no child's. Errors: kSystem when something is not there.
  [[nodiscard]] Result<> take() const;
  template <class T>
  [[nodiscard]] T must(Result<T> step) const {
    if (!step) give_back(step.error());
    return *std::move(step);
  }
  void must(Result<> step) const {
    if (!step) give_back(step.error());
  }
  /// To the program before; where that is not to be had, or has already come back once, this is the end.
  [[noreturn]] void give_back(const Error& why) const;

 private:
  restart::SavedState state_;
  Fd file_;
  Fd before_;  // the program before
  std::vector<std::string> arguments_;
  std::string returned_;
};

/// Becomes another program, with these descriptors and no others but the standard ones. Returns only when that failed,
/// and then nothing has changed.
[[nodiscard]] Error become(int program, std::span<const std::string> arguments, std::span<const std::int32_t> keep);

/// Reads the state that the descriptor leads to. Errors: kBadSyntax, kUnsupported, kForbidden when it is not sealed.
[[nodiscard]] Result<restart::SavedState> receive_state(int fd);

/// A state that cannot be read goes back to the program that wrote it, untouched, as Takeover::give_back() does; where
/// there is none, or it has come back once, this is the end. `arguments` and `returned` as for Takeover.
[[noreturn]] void give_back_unread(int fd, std::vector<std::string> arguments, const std::string& returned,
                                   const Error& why);

/// Does this program understand what the state says in words of its own: settings, descriptions, states? Errors:
/// kBadSyntax with a sentence.
[[nodiscard]] Result<> understand(const restart::SavedState& state);

}  // namespace sluice::supervisor
