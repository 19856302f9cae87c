// See signing.h.
#include "ipc/signing.h"

#include <array>

#include "ipc/codec.h"

namespace sluice::ipc {
namespace {

constexpr std::uint16_t kVersion = 1;

template <class T>
Result<std::string> encode_list(const std::vector<T>& items) {
  Writer writer;
  writer.u16(kVersion);
  writer.list(items, kMostSignatures);
  if (!writer.end()) return fail(Code::kProtocol, "a field of a signature is too long, or there are too many");
  return writer.take();
}

template <class T>
Result<std::vector<T>> decode_list(std::string_view packet) {
  Reader reader(packet);
  std::uint16_t version = 0;
  reader.u16(version);
  std::vector<T> items;
  if (version == kVersion) reader.list(items, kMostSignatures);
  if (version != kVersion || !reader.end() || items.empty())
    return fail(Code::kProtocol, "a malformed packet about signatures");
  return items;
}

}  // namespace

std::string_view name(Signing signing) {
  constexpr std::array<std::string_view, 3> kNames = {"done", "unknown_key", "refused"};
  return kNames.at(static_cast<std::size_t>(signing));
}

Result<std::string> encode(const std::vector<SignRequest>& requests) {
  return encode_list(requests);
}
Result<std::string> encode(const std::vector<SignAnswer>& answers) {
  return encode_list(answers);
}

Result<std::vector<SignRequest>> decode_requests(std::string_view packet) {
  Result<std::vector<SignRequest>> requests = decode_list<SignRequest>(packet);
  if (!requests) return requests;
  for (const SignRequest& request : *requests)
    if (request.key.size() != SignRequest::kKeyBytes) return fail(Code::kProtocol, "a key by another name");
  return requests;
}

Result<std::vector<SignAnswer>> decode_answers(std::string_view packet) {
  return decode_list<SignAnswer>(packet);
}

}  // namespace sluice::ipc
