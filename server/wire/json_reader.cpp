#include "server/wire/json_reader.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "server/model/path.hpp"
#include "server/wire/scalars.hpp"

namespace sagelet::wire {
namespace {

using model::Kind;
using model::Member;
using model::Shape;

constexpr double kTwoTo63 = 9223372036854775808.0;

std::string_view type_name(Kind kind) {
  switch (kind) {
    case Kind::kStructure:
      return "a Structure";
    case Kind::kList:
      return "a List";
    case Kind::kMap:
      return "a Map";
    case Kind::kString:
      return "a String";
    case Kind::kInteger:
      return "an Integer";
    case Kind::kLong:
      return "a Long";
    case Kind::kFloat:
      return "a Float";
    case Kind::kDouble:
      return "a Double";
    case Kind::kBoolean:
      return "a Boolean";
    case Kind::kBlob:
      return "a Blob";
    case Kind::kTimestamp:
      return "a Timestamp";
  }
  return "a value";
}

/// Receives the parser's events and builds the Document. Pointers in `open_` stay good: a container that is
/// open has nothing added to it but the value that is being built.
class Builder {
 public:
  Builder(const Shape& shape, bool body_only) : root_shape_(shape), body_only_(body_only) {}

  Reply<Document> result() {
    if (!complaint_.empty()) return api::Error::make("SerializationException", std::move(complaint_));
    return std::move(root_);
  }

  bool null() {
    if (skipping_ > 0 || open_.empty()) return true;
    Frame& top = open_.back();
    if (top.free || top.value->is_array()) *slot() = nullptr;
    return true;
  }
  bool boolean(bool value) {
    const auto place = next();
    if (place.ignore) return true;
    if (!place.free && place.shape->kind != Kind::kBoolean)
      return mismatch(value ? "TRUE_VALUE" : "FALSE_VALUE", place);
    *slot() = value;
    return true;
  }
  bool number_integer(std::int64_t value) { return whole(value, value); }
  bool number_unsigned(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
      return real(static_cast<double>(value), false);
    }
    return whole(static_cast<std::int64_t>(value), value);
  }
  bool number_float(double value, const std::string&) { return real(value, true); }
  bool string(std::string& value);
  bool binary(nlohmann::json::binary_t&) { return false; }  // never in JSON text

  bool start_object(std::size_t) { return start(nlohmann::json::object(), "Start of structure or map"); }
  bool start_array(std::size_t) { return start(nlohmann::json::array(), "Start of list"); }
  bool end_object() { return end(); }
  bool end_array() { return end(); }
  bool key(std::string& name);

  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& problem) {
    const std::string_view what = problem.what();
    const auto detail = what.find(": ");
    return complain("The request body is not valid JSON, at byte " + std::to_string(position) +
                    (detail == what.npos ? "" : std::string(what.substr(detail))));
  }

 private:
  struct Frame {
    const Shape* shape;  ///< null in a free document
    nlohmann::json* value;
    bool free = false;  ///< anything goes
    const Member* member =
        nullptr;           ///< structures: the member whose value comes next; null = not in the model
    std::string key = {};  ///< maps and free objects: the key whose value comes next
  };
  struct Place {
    const Shape* shape = nullptr;
    bool free = false;
    bool ignore = false;
  };

  /// What the next value must be.
  Place next() const {
    if (skipping_ > 0) return {.ignore = true};
    if (open_.empty()) return of(&root_shape_);
    const Frame& top = open_.back();
    if (top.free) return {.free = true};
    if (top.shape->kind != Kind::kStructure) return of(top.shape->element->shape);
    if (top.member == nullptr) return {.ignore = true};
    return of(top.member->shape);
  }
  static Place of(const Shape* shape) { return {.shape = shape, .free = shape->document_type}; }

  nlohmann::json* slot() {
    if (open_.empty()) return &root_;
    Frame& top = open_.back();
    if (top.value->is_array()) return &top.value->emplace_back(nullptr);
    if (top.member != nullptr) return &(*top.value)[std::string(top.member->name)];
    return &(*top.value)[top.key];
  }

  template <class Exact>
  bool whole(std::int64_t value, Exact exact);
  bool real(double value, bool was_real);
  bool start(nlohmann::json empty, std::string_view what);
  bool end();
  bool text_for(const Place& place, std::string& value);

  bool complain(std::string text) {
    complaint_ = std::move(text);
    return false;
  }
  std::string where() const;
  bool mismatch(std::string_view token, const Place& place) {
    return complain(std::string(token) + " can not be converted to " +
                    std::string(type_name(place.shape->kind)) + where());
  }

  const Shape& root_shape_;
  const bool body_only_;
  nlohmann::json root_ = nlohmann::json::object();
  std::vector<Frame> open_;
  std::size_t skipping_ = 0;  ///< containers open inside a value that is passed over
  std::string complaint_;
};

std::string Builder::where() const {
  model::Path path;
  for (const Frame& frame : open_) {
    if (frame.value->is_array()) {
      // The item at fault is not in its list yet; an item around it is in its own.
      path.push_item(frame.value->size() + (&frame == &open_.back() ? 1 : 0));
    } else if (frame.shape != nullptr && frame.shape->kind == Kind::kStructure) {
      if (frame.member != nullptr) path.push_member(frame.member->name);
    } else {
      path.push_key(frame.key);
    }
  }
  return path.text().empty() ? "" : " at '" + path.text() + "'";
}

template <class Exact>
bool Builder::whole(std::int64_t value, Exact exact) {
  const Place place = next();
  if (place.ignore) return true;
  if (place.free) {
    *slot() = exact;
    return true;
  }
  switch (place.shape->kind) {
    case Kind::kInteger:
      if (value != static_cast<std::int32_t>(value)) return mismatch("NUMBER_VALUE out of range", place);
      [[fallthrough]];
    case Kind::kLong:
      *slot() = value;
      return true;
    case Kind::kFloat:
    case Kind::kDouble:
      *slot() = static_cast<double>(value);
      return true;
    case Kind::kTimestamp:
      return real(static_cast<double>(value), false);
    default:
      return mismatch("NUMBER_VALUE", place);
  }
}

bool Builder::real(double value, bool was_real) {
  const Place place = next();
  if (place.ignore) return true;
  const Kind kind = place.free ? Kind::kDouble : place.shape->kind;
  switch (kind) {
    case Kind::kInteger:
    case Kind::kLong:
      if (!was_real || value != std::trunc(value) || std::abs(value) >= kTwoTo63)
        return mismatch("NUMBER_VALUE", place);
      return whole(static_cast<std::int64_t>(value), static_cast<std::int64_t>(value));
    case Kind::kFloat:
    case Kind::kDouble:
      *slot() = value;
      return true;
    case Kind::kTimestamp:
      if (!(std::abs(value) < 253402300800.0)) return mismatch("NUMBER_VALUE out of range", place);
      *slot() = value;
      return true;
    default:
      return mismatch("NUMBER_VALUE", place);
  }
}

bool Builder::string(std::string& value) {
  const Place place = next();
  if (place.ignore) return true;
  if (place.free) {
    *slot() = std::move(value);
    return true;
  }
  return text_for(place, value);
}

/// A string stands for itself, and for what JSON has no spelling for: blobs, timestamps, NaN.
bool Builder::text_for(const Place& place, std::string& value) {
  switch (place.shape->kind) {
    case Kind::kString:
      *slot() = std::move(value);
      return true;
    case Kind::kFloat:
    case Kind::kDouble:
      if (value != "NaN" && value != "Infinity" && value != "-Infinity")
        return mismatch("STRING_VALUE", place);
      [[fallthrough]];
    case Kind::kBlob:
    case Kind::kTimestamp: {
      auto read = read_scalar(*place.shape, value);
      if (!read) return mismatch("STRING_VALUE", place);
      *slot() = std::move(*read);
      return true;
    }
    default:
      return mismatch("STRING_VALUE", place);
  }
}

bool Builder::start(nlohmann::json empty, std::string_view what) {
  if (open_.size() + skipping_ >= kMaxDepth) return complain("The request body is nested too deeply");
  const Place place = next();
  if (place.ignore) {
    ++skipping_;
    return true;
  }
  if (!place.free) {
    const bool wants_list = place.shape->kind == Kind::kList;
    const bool wants_object = place.shape->kind == Kind::kStructure || place.shape->kind == Kind::kMap;
    if (empty.is_array() ? !wants_list : !wants_object)
      return complain(std::string(what) + " found where not expected" + where());
  }
  nlohmann::json* value = slot();
  *value = std::move(empty);
  open_.push_back({.shape = place.free ? nullptr : place.shape, .value = value, .free = place.free});
  return true;
}

bool Builder::end() {
  if (skipping_ > 0) {
    --skipping_;
  } else {
    open_.pop_back();
  }
  return true;
}

bool Builder::key(std::string& name) {
  if (skipping_ > 0) return true;
  Frame& top = open_.back();
  if (top.free || top.shape->kind == Kind::kMap) {
    top.key = std::move(name);
    return true;
  }
  top.member = nullptr;
  for (const Member& member : top.shape->members) {
    if (member.key() != name) continue;
    if (body_only_ && open_.size() == 1 && member.location != model::Location::kBody) continue;
    top.member = &member;
    break;
  }
  return true;
}

}  // namespace

Reply<Document> read_json(const Shape& shape, std::string_view text, bool body_only) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return Document::object();
  Builder builder(shape, body_only);
  nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return builder.result();
}

}  // namespace sagelet::wire
