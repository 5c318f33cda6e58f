"""Who may call what, as data. A change here is a change of who may do what; an operation that is in
none of the lists may be called by nobody, and fails the tests.
"""

# A download carries what lets it in: a link that is signed. So does a key that was found.
PUBLIC = {
    "getLiveness", "getReadiness", "listErrorTypes", "getErrorType", "downloadExport",
    "reportLeakedTokens",
    # Who signs in has no token yet; the others carry a token of another kind in their bodies.
    "signIn", "refreshTokens", "signOut", "acceptInvitation", "usePasswordReset",
    # Who comes by an identity provider has none either, and brings what the provider gave.
    "listSignInProviders", "startProviderSignIn", "finishProviderSignIn", "switchTenant",
    # public keys
    "getSigningKeys",
}  # fmt: skip
# What a portal token may call: all of it passes the filters of the token.
PORTAL = {
    "runQuery", "runQueryBatch", "getSavedQueryResult", "getKpis", "listMetrics", "getMetric",
    "getLimits", "getLive", "streamLive", "createLiveTicket",
}  # fmt: skip
# What one without filters may call, too: it says who the agents are, or what knows no filter.
UNFILTERED = {
    "getDrivers", "getDriver", "listAgentEvaluations", "getAgentEvaluation", "listAgentsNow",
    "listGoals",
}  # fmt: skip
# What only an agent's own token may call.
OWN = {
    "getMyEvaluation", "createMySelfEvaluation", "listMySelfEvaluations", "createMySuggestion",
    "listMySuggestions",
}  # fmt: skip
# What only people who have signed in may call.
OF_WHOEVER_ASKS = {
    "changePassword", "listMySessions", "endMySessions", "endMySession", "listMyTenants",
    "startLinkingIdentity", "listMyIdentities", "unlinkMyIdentity",
}  # fmt: skip
# What owners alone may call: no key can end a tenant.
OF_OWNERS = {"closeTenant", "withdrawTenantClosing"}
# All others, by the scope that a key or a role has to hold.
BY_SCOPE: dict[str, set[str]] = {
    "admin:write": {
        "checkIdentityProvider", "createActionPlan", "createAlert", "createApiKey", "createErasure",
        "createGoal", "createIdentityProvider", "createInvitation", "createPasswordReset",
        "createReferral", "createReport", "createWebhook", "declareCustomAttribute",
        "deleteActionPlan", "deleteAlert", "deleteCustomMetric", "deleteGoal",
        "deleteIdentityProvider", "deleteReport", "deleteReportRun", "deleteSavedQuery",
        "deleteSelfEvaluation", "deleteSuggestion", "deleteWebhook", "getApiKey",
        "getBrowserOrigins", "getErasure", "getIdentityProvider", "getUsage", "getWebhook",
        "getWebhookDelivery", "listApiKeys", "listAuditLog", "listErasures",
        "listIdentityProviders", "listInvitations", "listMembers", "listWebhookDeliveries",
        "listWebhooks", "lookAtAlert", "planSuggestion", "recomputeSchedule", "recomputeSlaPolicy",
        "removeMember", "replaceAlert", "replaceGoal", "replaceReport", "replayWebhook",
        "replayWebhookDelivery", "replyToSelfEvaluation", "revokeApiKey", "rotateApiKey",
        "rotateWebhookSecret", "saveCustomMetric", "saveQuery", "setBrowserOrigins",
        "setMetricParameters", "setPrivacy", "setRetention", "setWeights", "testWebhook",
        "updateActionPlan", "updateAlertEvent", "updateIdentityProvider", "updateMember",
        "updateReferral", "updateSuggestion", "updateTenant", "updateWebhook", "verifyAuditLog",
        "withdrawInvitation",
    },
    "ingest:write": {
        "ingestAgent", "ingestAgentsBatch", "ingestAnnotation", "ingestAnnotationsBatch",
        "ingestCall", "ingestCallsBatch", "ingestChannel", "ingestChannelsBatch",
        "ingestCostBookBatch", "ingestCostEntry", "ingestCustomer", "ingestCustomerMerge",
        "ingestCustomersBatch", "ingestCustomersMergeBatch", "ingestFeedback",
        "ingestFeedbackBatch", "ingestFeedbackRequest", "ingestFeedbackRequestsBatch", "ingestForm",
        "ingestFormsBatch", "ingestInbox", "ingestInboxesBatch", "ingestKbArticle",
        "ingestKbArticlesBatch", "ingestKbEvent", "ingestKbEventsBatch", "ingestPresence",
        "ingestPresenceBatch", "ingestQualityReview", "ingestQualityReviewsBatch", "ingestQueue",
        "ingestQueuesBatch", "ingestSchedule", "ingestSchedulesBatch", "ingestSession",
        "ingestSessionsBatch", "ingestShift", "ingestShiftsBatch", "ingestSlaPoliciesBatch",
        "ingestSlaPolicy", "ingestTask", "ingestTasksBatch", "ingestTeam", "ingestTeamsBatch",
        "ingestTicket", "ingestTicketEvent", "ingestTicketEventsBatch", "ingestTicketType",
        "ingestTicketTypesBatch", "ingestTicketsBatch", "ingestTopic", "ingestTopicsBatch",
        "ingestWorkSession", "ingestWorkSessionsBatch",
    },
    "records:read": {
        "getAgent", "getAnnotation", "getCall", "getChannel", "getCostEntry", "getCustomer",
        "getCustomerJourney", "getCustomerMerge", "getFeedback", "getFeedbackRequest", "getForm",
        "getInbox", "getKbArticle", "getKbEvent", "getPresence", "getQualityReview", "getQueue",
        "getSchedule", "getSession", "getShift", "getSlaPolicy", "getTask", "getTeam", "getTicket",
        "getTicketEvent", "getTicketType", "getTopic", "getWorkSession", "listAgents",
        "listAnnotations", "listCalls", "listChannels", "listCostBook", "listCustomers",
        "listCustomersMerge", "listFeedback", "listFeedbackRequests", "listForms", "listInboxes",
        "listKbArticles", "listKbEvents", "listPresence", "listQualityReviews", "listQueues",
        "listSchedules", "listSelfEvaluations", "listSessions", "listShifts", "listSlaPolicies",
        "listSuggestions", "listTasks", "listTeams", "listTicketEvents", "listTicketTypes",
        "listTickets", "listTopics", "listWorkSessions", "queryRecords",
    },
    "reports:read": {
        "createExport", "createLiveTicket", "deleteExport", "explainChange", "getActionPlan",
        "getActionPlanEffect", "getAgentEvaluation", "getAlert", "getAlertEvent",
        "getAnnotationUplift", "getContacts", "getContentGaps", "getConversations",
        "getCustomMetric", "getDataQuality", "getDriver", "getDrivers", "getExport",
        "getFeedbackTerms", "getGoal", "getGoalProgress", "getKbTerms", "getKpis", "getLimits",
        "getLive", "getMetric", "getPrivacy", "getRadar", "getReferral", "getReport",
        "getReportRun", "getReportSection", "getReportSummary", "getRetention", "getSavedQuery",
        "getSavedQueryResult", "getStaffingDiagnosis", "getStaffingForecast", "getTenant",
        "getTimeline", "getWeights", "listActionPlans", "listAgentEvaluations", "listAgentsNow",
        "listAlertEvents", "listAlerts", "listCustomAttributes", "listCustomMetrics",
        "listDimensionValues", "listDimensions", "listExports", "listGoals", "listMetricSettings",
        "listMetricVersions", "listMetrics", "listReferrals", "listReportRuns", "listReports",
        "listSavedQueries", "runQuery", "runQueryBatch", "runReport", "runWhatIf", "streamLive",
    },
    "tokens:write": {
        "createPortalToken", "listPortalTokens", "revokePortalToken",
    },
}  # fmt: skip

# Who calls: people by their roles, keys with a scope each, and tokens of pages.
PEOPLE = {"owner", "admin", "analyst", "agent"}
ADMINS = {"owner", "admin"}
HOLDERS: dict[str, set[str]] = {
    "admin:write": ADMINS,
    "ingest:write": ADMINS,
    "records:read": {*ADMINS, "analyst"},
    "reports:read": {*ADMINS, "analyst"},
    # Portal tokens end with the key that made them: no person makes them.
    "tokens:write": set(),
}
CALLERS = (
    *sorted(PEOPLE), "portal token", "filtered portal token", "agent token",
    *(f"key {scope}" for scope in sorted({*HOLDERS, "names:read"})),
)  # fmt: skip


def callers_of(operation_id: str) -> set[str]:
    """Everybody who may call it, out of CALLERS."""
    if operation_id in PUBLIC:
        return set(CALLERS)
    if operation_id in OF_WHOEVER_ASKS:
        return PEOPLE
    if operation_id in OF_OWNERS:
        return {"owner"}
    if operation_id in OWN:
        return {"agent", "agent token"}
    found = set[str]()
    for scope, operations in BY_SCOPE.items():
        if operation_id in operations:
            found |= {f"key {scope}", *HOLDERS[scope]}
    if operation_id in PORTAL:
        found |= {"portal token", "filtered portal token"}
    if operation_id in UNFILTERED:
        found |= {"portal token"}
    return found
