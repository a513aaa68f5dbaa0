package awsline

// Setting is something that the environment or a profile of ~/.aws/config may say to the commands of s3.
type Setting struct {
	// Keys are its names in a profile; those below s3 = begin with "s3.". Vars are the variables that say the same, and come first.
	Keys, Vars []string
	State      State
	Note       string
}

// Ignored is the state of what has nothing to act on in haul.
const Ignored State = "no effect"

func keys(names ...string) Setting { return Setting{Keys: names, State: Same} }
func vars(names ...string) Setting { return Setting{Vars: names, State: Same} }

func (s Setting) or(vars ...string) Setting {
	s.Vars = vars
	return s
}

func (s Setting) note(state State, text string) Setting {
	s.State, s.Note = state, text
	return s
}

// Settings are all of them.
var Settings = []Setting{
	vars("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
	vars("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"),
	keys("aws_access_key_id", "aws_secret_access_key", "aws_session_token").or("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
	keys("role_arn", "source_profile", "credential_source", "external_id", "mfa_serial", "role_session_name", "duration_seconds").
		note(Same, "haul asks for the MFA code on the terminal; the AWS CLI and haul share the credentials of roles in ~/.aws/cli/cache"),
	keys("web_identity_token_file").or("AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_SESSION_NAME"),
	keys("credential_process"),
	keys("sso_session", "sso_start_url", "sso_region", "sso_account_id", "sso_role_name", "login_session").
		note(Same, "log in with the real aws"),
	vars("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
	keys("ec2_metadata_service_endpoint", "ec2_metadata_service_endpoint_mode", "ec2_metadata_v1_disabled").
		or("AWS_EC2_METADATA_DISABLED", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "AWS_EC2_METADATA_V1_DISABLED"),
	keys("metadata_service_timeout", "metadata_service_num_attempts").or("AWS_METADATA_SERVICE_TIMEOUT", "AWS_METADATA_SERVICE_NUM_ATTEMPTS").
		note(Ignored, "the SDK's own times"),

	keys("region").or("AWS_REGION", "AWS_DEFAULT_REGION").note(Same, "without any region, that of the EC2 instance"),
	keys("endpoint_url", "services", "ignore_configured_endpoint_urls").or("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").
		note(Same, "services names a section with the endpoint_url of s3"),
	keys("ca_bundle").or("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
	vars("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
	keys("use_dualstack_endpoint", "use_fips_endpoint").or("AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT"),
	keys("s3_use_arn_region", "s3.use_arn_region").or("AWS_S3_USE_ARN_REGION").note(Same, "the region in an access point's ARN counts, unless this is false"),
	keys("s3.s3_disable_multiregion_access_points").or("AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS"),
	keys("s3_disable_express_session_auth").or("AWS_S3_DISABLE_EXPRESS_SESSION_AUTH"),
	keys("auth_scheme_preference").or("AWS_AUTH_SCHEME_PREFERENCE"),
	keys("sigv4a_signing_region_set").or("AWS_SIGV4A_SIGNING_REGION_SET").note(Ignored, "requests to multi-Region access points are signed for all regions"),
	keys("account_id_endpoint_mode").or("AWS_ACCOUNT_ID_ENDPOINT_MODE").note(Ignored, "S3 has no such endpoints"),
	keys("disable_host_prefix_injection").or("AWS_DISABLE_HOST_PREFIX_INJECTION").note(Ignored, "the commands of s3 have no such prefixes"),
	keys("sdk_ua_app_id").or("AWS_SDK_UA_APP_ID"),

	keys("retry_mode", "max_attempts").or("AWS_RETRY_MODE", "AWS_MAX_ATTEMPTS").
		note(Same, "a request is made 3 times, 5 in the legacy mode, or as often as configured. Attempts that transferred data do not count. Under its own name, haul retries for as long as --patience allows"),
	vars("AWS_NEW_RETRIES_2026").note(Ignored, "haul has its own waits between attempts"),
	keys("request_checksum_calculation").or("AWS_REQUEST_CHECKSUM_CALCULATION").
		note(Same, "when_required: Content-MD5 instead of the newer checksums. The variable also applies when haul runs under its own name"),
	keys("response_checksum_validation").or("AWS_RESPONSE_CHECKSUM_VALIDATION").note(Trivial, "haul always verifies what it can"),
	keys("disable_request_compression", "request_min_compression_size_bytes").or("AWS_DISABLE_REQUEST_COMPRESSION", "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES").
		note(Ignored, "requests of S3 are not compressed"),
	keys("tcp_keepalive").note(Trivial, "connections are kept alive"),
	keys("parameter_validation").note(Ignored, "commands are always validated"),

	keys("cli_error_format").or("AWS_CLI_ERROR_FORMAT").note(Same, "as --cli-error-format"),
	keys("cli_auto_prompt").or("AWS_CLI_AUTO_PROMPT").note(Ignored, "haul does not prompt; --cli-auto-prompt hands the command to the real aws"),
	keys("cli_pager").or("AWS_PAGER").note(Ignored, "haul starts no pager"),
	keys("output", "cli_binary_format", "cli_timestamp_format", "cli_help_output", "cli_history").or("AWS_DEFAULT_OUTPUT").
		note(Ignored, "the commands of s3 have one form of output"),
	vars("AWS_CLI_FILE_ENCODING", "AWS_CLI_OUTPUT_ENCODING").note(Ignored, "files and output are bytes"),
	vars("AWS_CLI_S3_MV_VALIDATE_SAME_S3_PATHS").note(Near, "as --validate-same-s3-paths"),

	keys("s3.max_concurrent_requests").note(Same, "limits the number of concurrent requests; by default, haul tunes the number itself"),
	keys("s3.max_queue_size").note(Ignored, "haul's queue is always short"),
	keys("s3.multipart_threshold").note(Near, "for a single file: a smaller file is sent in one request. For folders, haul decides"),
	keys("s3.multipart_chunksize").note(Same, "the part size"),
	keys("s3.max_bandwidth").note(Same, "limits uploads and downloads together"),
	keys("s3.addressing_style", "s3.use_accelerate_endpoint", "s3.use_dualstack_endpoint"),
	keys("s3.payload_signing_enabled").note(Same, "bodies are signed too, so they are read twice"),
	keys("s3.preferred_transfer_client", "s3.target_bandwidth", "s3.io_chunksize", "s3.disk_throughput", "s3.should_stream", "s3.direct_io").
		note(Ignored, "checked; haul has only one client, which tunes itself to the bandwidth"),

	vars("HAUL_RESUME").note("of haul", "1: the data of interrupted transfers is kept, and the same command resumes them"),
	vars("HAUL_READ_TWICE").note("of haul", "1: objects that nothing in the store can verify are downloaded a second time and compared, so that mv succeeds"),
}
