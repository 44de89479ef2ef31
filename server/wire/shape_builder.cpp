#include "server/wire/shape_builder.hpp"

#include <cmath>

#include "server/model/path.hpp"
#include "server/wire/json_reader.hpp"
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

}  // namespace

bool ShapeBuilder::mismatch(std::string_view token, const Place& place) {
  return complain(std::string(token) + " can not be converted to " +
                  std::string(type_name(place.shape->kind)) + where());
}

bool ShapeBuilder::binary(nlohmann::json::binary_t& bytes) {
  const Place place = next();
  if (place.ignore) return true;
  if (!place.free && place.shape->kind != Kind::kBlob) return mismatch("BYTES_VALUE", place);
  *slot() = std::move(bytes);
  return true;
}

std::string ShapeBuilder::where() const {
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
bool ShapeBuilder::whole(std::int64_t value, Exact exact) {
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

bool ShapeBuilder::number_integer(std::int64_t value) {
  return whole(value, value);
}

bool ShapeBuilder::number_unsigned(std::uint64_t value) {
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return real(static_cast<double>(value), false);
  return whole(static_cast<std::int64_t>(value), value);
}

bool ShapeBuilder::real(double value, bool was_real) {
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

bool ShapeBuilder::string(std::string& value) {
  const Place place = next();
  if (place.ignore) return true;
  if (place.free) {
    *slot() = std::move(value);
    return true;
  }
  return text_for(place, value);
}

/// A string stands for itself, and for what JSON has no spelling for: blobs, timestamps, NaN.
bool ShapeBuilder::text_for(const Place& place, std::string& value) {
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

bool ShapeBuilder::start(nlohmann::json empty, std::string_view what) {
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

bool ShapeBuilder::end() {
  if (skipping_ > 0) {
    --skipping_;
  } else {
    open_.pop_back();
  }
  return true;
}

bool ShapeBuilder::key(std::string& name) {
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

}  // namespace sagelet::wire
