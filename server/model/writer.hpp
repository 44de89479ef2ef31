#pragma once
// Rows on their way to the wire: an answer written member by member, without a Document in between. The wire
// has one Writer a protocol; it follows the output shape to know element names, flattened lists and timestamp
// spellings.
#include <cstdint>
#include <string_view>

#include "base/clock.hpp"

namespace sagelet::model {

/// Call as the shape nests: member(name) then exactly one value; begin_structure/begin_list open a value.
/// Inside a list, values follow one another without member(). The output structure itself is open already.
class Writer {
 public:
  virtual ~Writer() = default;
  virtual void member(std::string_view name) = 0;
  virtual void begin_structure() = 0;
  virtual void end_structure() = 0;
  virtual void begin_list() = 0;
  virtual void end_list() = 0;
  virtual void text(std::string_view value) = 0;
  virtual void integer(std::int64_t value) = 0;
  virtual void real(double value) = 0;
  virtual void boolean(bool value) = 0;
  virtual void time(WallTime value) = 0;
};

}  // namespace sagelet::model
