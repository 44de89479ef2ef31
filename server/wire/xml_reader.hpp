#pragma once
// XML text into a Document by shape. No document type, no entities of one's own, limited size and depth.
#include <string_view>

#include "server/model/call.hpp"
#include "server/model/shapes.hpp"

namespace sagelet::wire {

inline constexpr std::size_t kMaxXmlBytes = 8 << 20;

/// The root element's content as `shape` (a structure); the root's own name is not looked at. Members bound
/// elsewhere are left out. The error is S3's MalformedXML. An empty text is an empty structure.
Reply<Document> read_xml(const model::Shape& shape, std::string_view text);

}  // namespace sagelet::wire
