package apigateway

import "strings"

// methodSetting is how a stage treats one method, or all ("*/*").
type methodSetting struct {
	MetricsEnabled                         bool    `json:"metricsEnabled"`
	LoggingLevel                           string  `json:"loggingLevel"`
	DataTraceEnabled                       bool    `json:"dataTraceEnabled"`
	ThrottlingBurstLimit                   int     `json:"throttlingBurstLimit"`
	ThrottlingRateLimit                    float64 `json:"throttlingRateLimit"`
	CachingEnabled                         bool    `json:"cachingEnabled"`
	CacheTTLInSeconds                      int     `json:"cacheTtlInSeconds"`
	CacheDataEncrypted                     bool    `json:"cacheDataEncrypted"`
	RequireAuthorizationForCacheControl    bool    `json:"requireAuthorizationForCacheControl"`
	UnauthorizedCacheControlHeaderStrategy string  `json:"unauthorizedCacheControlHeaderStrategy"`
}

// methodPaths lists the settings' paths as AWS's message has them; gap stands
// where it forgets commas.
func methodPaths(method, gap string) string {
	m := method
	return strings.Join([]string{
		m + "/metrics/enabled", m + "/logging/dataTrace", m + "/logging/loglevel",
		m + "/throttling/burstLimit" + gap + m + "/throttling/rateLimit" + gap + m + "/caching/ttlInSeconds",
		m + "/caching/enabled", m + "/caching/dataEncrypted", m + "/caching/requireAuthorizationForCacheControl",
		m + "/caching/unauthorizedCacheControlHeaderStrategy",
	}, ", ")
}

// replaceMethodSetting sets one setting of the method that the path names:
// /{resourcePath}/{httpMethod}/GROUP/SETTING. The others have AWS's defaults.
func (op patchOperation) replaceMethodSetting(s *stage, value string) error {
	rest, name := splitPath(op.Path)
	method, group := splitPath(rest)
	key := strings.TrimPrefix(method, "/")
	setting := methodSetting{
		LoggingLevel: "OFF", ThrottlingBurstLimit: 5000, ThrottlingRateLimit: 10000, CacheTTLInSeconds: 300,
		RequireAuthorizationForCacheControl: true, UnauthorizedCacheControlHeaderStrategy: "SUCCEED_WITH_RESPONSE_HEADER",
	}
	if have, ok := s.MethodSettings[key]; ok {
		setting = *have
	}
	if err := op.put(setting.fields()[group+"/"+name], value); err != nil {
		return err
	}
	s.MethodSettings[key] = &setting
	return nil
}

// fields are those that a path can end in.
func (m *methodSetting) fields() map[string]any {
	return map[string]any{
		"metrics/enabled":                                &m.MetricsEnabled,
		"logging/dataTrace":                              &m.DataTraceEnabled,
		"logging/loglevel":                               &m.LoggingLevel,
		"throttling/burstLimit":                          &m.ThrottlingBurstLimit,
		"throttling/rateLimit":                           &m.ThrottlingRateLimit,
		"caching/ttlInSeconds":                           &m.CacheTTLInSeconds,
		"caching/enabled":                                &m.CachingEnabled,
		"caching/dataEncrypted":                          &m.CacheDataEncrypted,
		"caching/requireAuthorizationForCacheControl":    &m.RequireAuthorizationForCacheControl,
		"caching/unauthorizedCacheControlHeaderStrategy": &m.UnauthorizedCacheControlHeaderStrategy,
	}
}
