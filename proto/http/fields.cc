// Lines and arena of Fields.
#include "proto/http/fields.h"

#include <cstring>
#include <string>

#include "base/check.h"
#include "proto/http/ascii.h"

namespace sluice::http {
namespace {
bool same_name(const Field& field, FieldId id, std::string_view name) {
  return field.id == id && (id != FieldId::kOther || equal_ignore_case(field.name, name));
}

Result<> check_line(std::string_view name, std::string_view value) {
  if (!is_token(name)) return fail(Code::kBadSyntax, "a field name that is not a token");
  if (!is_field_value(value))
    return fail(Code::kBadSyntax, "a value that may not stand in the field " + std::string(name));
  return {};
}
}  // namespace

void Fields::push(const Line& line) {
  if (used_ < kInlineLines && more_lines_.empty()) {
    first_lines_[used_] = line;
  } else {
    if (more_lines_.empty()) more_lines_.assign(first_lines_.begin(), first_lines_.begin() + kInlineLines);
    more_lines_.push_back(line);
  }
  ++used_;
  ++live_;
  seen_ |= std::uint64_t{1} << static_cast<unsigned>(line.id);
}

void Fields::add_checked(std::string_view name, std::string_view value, FieldId id) {
  push({.name = name.data(),
        .value = value.data(),
        .name_size = static_cast<std::uint32_t>(name.size()),
        .value_size = static_cast<std::uint32_t>(value.size()),
        .id = id,
        .live = true});
}

std::string_view Fields::keep_name(std::string_view name, FieldId id) {
  // the canonical spelling lives for ever; any other spelling is kept as given
  const std::string_view canonical = field_name(id);
  return name == canonical ? canonical : keep(name);
}

Result<> Fields::add(std::string_view name, std::string_view value) {
  if (Result<> checked = check_line(name, value); !checked) return checked;
  const FieldId id = field_id(name);
  add_checked(keep_name(name, id), keep(value), id);
  return {};
}

Result<> Fields::set(std::string_view name, std::string_view value) {
  if (Result<> checked = check_line(name, value); !checked) return checked;
  replace(name, field_id(name), value);
  return {};
}

void Fields::add(FieldId id, std::string_view value) {
  SLUICE_CHECK(id != FieldId::kOther && is_field_value(value), "a field of our own making is malformed");
  add_checked(field_name(id), keep(value), id);
}

void Fields::set(FieldId id, std::string_view value) {
  SLUICE_CHECK(id != FieldId::kOther && is_field_value(value), "a field of our own making is malformed");
  replace(field_name(id), id, value);
}

void Fields::replace(std::string_view name, FieldId id, std::string_view value) {
  const std::string_view kept = keep(value);  // before anything is marked: `value` may be a view into a line of ours
  bool placed = false;
  for (Line& line : lines()) {
    if (!line.live || !same_name(line.field(), id, name)) continue;
    if (placed) {
      line.live = false;
      --live_;
    } else {
      line.value = kept.data();
      line.value_size = static_cast<std::uint32_t>(kept.size());
      placed = true;
    }
  }
  if (!placed) add_checked(keep_name(name, id), kept, id);
}

std::size_t Fields::remove(FieldId id) {
  SLUICE_CHECK(id != FieldId::kOther, "remove by name what has no id");
  if (!may_have(id)) return 0;
  return remove(field_name(id));
}

std::size_t Fields::remove(std::string_view name) {
  const FieldId id = field_id(name);
  std::size_t removed = 0;
  for (Line& line : lines()) {
    if (!line.live || !same_name(line.field(), id, name)) continue;
    line.live = false;
    ++removed;
  }
  live_ -= removed;
  return removed;
}

std::optional<std::string_view> Fields::find(FieldId id) const {
  if (!may_have(id)) return std::nullopt;
  for (const Line& line : lines())
    if (line.id == id && line.live) return std::string_view(line.value, line.value_size);
  return std::nullopt;
}

std::optional<std::string_view> Fields::find(std::string_view name) const {
  const FieldId id = field_id(name);
  if (id != FieldId::kOther) return find(id);
  for (const Line& line : lines())
    if (line.live && same_name(line.field(), id, name)) return std::string_view(line.value, line.value_size);
  return std::nullopt;
}

std::size_t Fields::count(FieldId id) const {
  if (!may_have(id)) return 0;
  std::size_t found = 0;
  for (const Line& line : lines()) found += line.id == id && line.live ? 1 : 0;
  return found;
}

std::size_t Fields::count(std::string_view name) const {
  const FieldId id = field_id(name);
  if (id != FieldId::kOther) return count(id);
  std::size_t found = 0;
  for (const Field field : *this) found += same_name(field, id, name) ? 1 : 0;
  return found;
}

bool Fields::has_token(FieldId id, std::string_view token) const {
  if (!may_have(id)) return false;
  for (const std::string_view member : members(id))
    if (equal_ignore_case(member, token)) return true;
  return false;
}

std::size_t Fields::wire_size() const {
  std::size_t size = 0;
  for (const Line& line : lines())
    if (line.live) size += line.name_size + line.value_size + 4;
  return size;
}

void Fields::clear() {
  seen_ = 0;
  used_ = live_ = 0;
  more_lines_.clear();
  // Chunks of the usual size are worth keeping for the next message; what one huge head needed is not.
  if (!chunks_.empty() && (chunks_.size() > 1 || chunks_.front().size > kChunk)) chunks_.clear();
  if (chunks_.empty()) {
    next_ = first_bytes_.data();
    left_ = kInlineBytes;
  } else {
    next_ = chunks_.front().bytes.get();
    left_ = chunks_.front().size;
  }
}

void Fields::copy_from(const Fields& other) {
  SLUICE_CHECK(&other != this, "fields copied onto themselves");
  clear();
  for (const Field field : other) add_checked(keep_name(field.name, field.id), keep(field.value), field.id);
}

std::span<char> Fields::allocate(std::size_t size) {
  if (size > left_) {
    const std::size_t chunk = size > kChunk ? size : kChunk;
    chunks_.push_back({std::make_unique_for_overwrite<char[]>(chunk), chunk});
    next_ = chunks_.back().bytes.get();
    left_ = chunk;
  }
  const std::span<char> bytes(next_, size);
  next_ += size;
  left_ -= size;
  return bytes;
}

std::string_view Fields::keep(std::string_view bytes) {
  if (bytes.empty()) return {};
  const std::span<char> kept = allocate(bytes.size());
  std::memcpy(kept.data(), bytes.data(), bytes.size());
  return {kept.data(), kept.size()};
}

std::optional<std::string_view> next_member(std::string_view& rest) {
  while (!rest.empty()) {
    std::size_t at = 0;
    for (bool quoted = false; at < rest.size() && (quoted || rest[at] != ','); ++at) {
      if (rest[at] == '"') quoted = !quoted;
      if (quoted && rest[at] == '\\' && at + 1 < rest.size()) ++at;
    }
    const std::string_view member = trim(rest.substr(0, at));
    rest.remove_prefix(at < rest.size() ? at + 1 : at);
    if (!member.empty()) return member;
  }
  return std::nullopt;
}

void Members::Iterator::advance() {
  for (;;) {
    if (const auto member = next_member(rest_)) {
      member_ = *member;
      return;
    }
    const std::span<const Fields::Line> lines = fields_->lines();
    while (line_ < lines.size() && (lines[line_].id != id_ || !lines[line_].live)) ++line_;
    if (line_ == lines.size()) {
      done_ = true;
      return;
    }
    rest_ = {lines[line_].value, lines[line_].value_size};
    ++line_;
  }
}

}  // namespace sluice::http
