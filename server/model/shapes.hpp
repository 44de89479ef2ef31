#pragma once
// The description of the API: immutable tables compiled in from the pinned service models
// (data/<service>.json, turned into constants by the build). Nothing is parsed at start; a pattern is
// compiled at its first use.
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sagelet::model {

enum class Kind : std::uint8_t {
  kStructure,
  kList,
  kMap,
  kString,
  kInteger,
  kLong,
  kFloat,
  kDouble,
  kBoolean,
  kBlob,
  kTimestamp
};
enum class Location : std::uint8_t { kBody, kUri, kQuery, kHeader, kHeaders, kStatusCode };
enum class TimeFormat : std::uint8_t { kDefault, kEpoch, kIso8601, kHttpDate };
enum class ProtocolKind : std::uint8_t { kJson10, kJson11, kRestJson, kRestXml, kQuery, kEc2, kRpcCbor };

struct Shape;

/// A member of a structure.
struct Member {
  std::string_view name;
  const Shape* shape = nullptr;
  std::string_view wire_name;  ///< locationName, else empty
  Location location = Location::kBody;
  TimeFormat time_format = TimeFormat::kDefault;
  bool required = false;
  bool flattened = false;  ///< list or map without a wrapper element
  bool xml_attribute = false;
  bool idempotency_token = false;
  std::string_view xml_namespace, xml_prefix;
  std::string_view query_name;  ///< queryName (ec2), else empty
  bool streaming = false;
  bool json_value = false;  ///< a string that holds JSON; base64 of it in a header

  std::string_view key() const { return wire_name.empty() ? name : wire_name; }
};

struct Shape {
  std::string_view name;
  Kind kind = Kind::kStructure;
  std::span<const Member> members;  ///< structures, in the model's order
  const Member* payload = nullptr;  ///< structures: the member that is the whole body
  const Member* element = nullptr;  ///< lists: the item; maps: the value
  const Member* map_key = nullptr;  ///< maps: the key
  std::span<const std::string_view> enum_values;
  std::string_view pattern;  ///< as the model has it
  std::uint32_t pattern_index =
      0;  ///< into the process-wide cache of compiled patterns; meaningful with a pattern
  std::optional<double> min, max;  ///< lengths for strings, blobs, lists, maps; values for numbers
  TimeFormat time_format = TimeFormat::kDefault;
  bool flattened = false;
  bool streaming = false;
  bool sensitive = false;
  bool is_union = false;
  bool document_type = false;
  std::string_view xml_name;  ///< locationName of the shape itself (root element)
  std::string_view xml_namespace, xml_prefix;
  // errors
  bool is_exception = false;
  bool fault = false;
  std::string_view error_code;  ///< error.code, else the shape's name
  std::uint16_t error_status = 0;

  const Member* find(std::string_view member) const;
};

struct Operation {
  std::string_view name;
  std::uint32_t index = 0;  ///< position in the service's operations
  std::string_view http_method;
  std::string_view request_uri;  ///< "/{Bucket}/{Key+}?uploads"
  std::uint16_t response_code = 200;
  const Shape* input = nullptr;  ///< null: no input
  const Shape* output = nullptr;
  std::string_view input_root,
      input_namespace;              ///< the input member's own locationName and namespace (rest-xml)
  std::string_view result_wrapper;  ///< query
  std::string_view output_root;     ///< rest-xml: the answer's root element when it is not the shape's name
  std::span<const Shape* const> errors;
  bool deprecated = false;        ///< routing prefers its successor of the same method and path
  bool unsigned_allowed = false;  ///< authtype none
  bool checksum_required = false;
  std::string_view host_prefix;
  // paginator, empty when the operation is not paginated
  std::string_view page_input_token, page_output_token, page_limit, page_result;
};

struct ServiceModel {
  std::string_view name;             ///< our short name: sagemaker, s3, sts, iam, logs
  std::string_view endpoint_prefix;  ///< api.sagemaker, s3, ...
  std::string_view signing_name;
  std::string_view target_prefix;  ///< SageMaker
  std::string_view api_version;
  std::string_view json_version;
  std::string_view xml_namespace;
  ProtocolKind protocol = ProtocolKind::kJson11;  ///< kRpcCbor: JSON and query are answered too, by request
  bool query_compatible = false;          ///< errors name the code that the query protocol has for them
  std::span<const Operation> operations;  ///< sorted by name
  std::span<const Shape* const> shapes;   ///< sorted by name

  const Operation* operation(std::string_view operation_name) const;
  const Shape* shape(std::string_view shape_name) const;
};

/// How many patterns the compiled-in services have: their pattern_index values are below it.
std::uint32_t pattern_count();
/// Every service compiled in.
std::span<const ServiceModel* const> services();
/// Null when it is not compiled in.
const ServiceModel* find_service(std::string_view name);

}  // namespace sagelet::model
