// What must be true of the bytes that a session has sent, whatever came in.
#pragma once
#include <string_view>

namespace sluice::fuzz {

/// `sent` is all that the client has sent, `received` all that it got: no more final answers than requests, each with
/// one reading, nothing between them; a piece only at the end. Aborts when it is not so.
void judge_answers(std::string_view sent, std::string_view received);

/// All that one origin connection got: requests with one reading each, by the rules of forwarding; a piece only at the
/// end. Aborts when it is not so.
void judge_requests(std::string_view received);

}  // namespace sluice::fuzz
