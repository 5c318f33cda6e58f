"""English. Metrics and dimensions are named where they are declared."""

from csapi.facts.kinds import Dimension as Labels
from csapi.metrics.periods import WEEKDAYS
from csapi.metrics.words.catalog import Catalog

CHANNELS = {
    "phone": "Phone",
    "voice": "Voice",
    "video": "Video",
    "email": "Email",
    "mail": "Mail",
    "chat": "Chat",
    "live_chat": "Live chat",
    "messaging": "Messaging",
    "sms": "SMS",
    "whatsapp": "WhatsApp",
    "telegram": "Telegram",
    "wechat": "WeChat",
    "facebook": "Facebook",
    "instagram": "Instagram",
    "twitter": "Twitter",
    "x": "X",
    "social": "Social media",
    "web": "Web",
    "web_form": "Web form",
    "form": "Form",
    "portal": "Portal",
    "app": "App",
    "api": "API",
    "bot": "Bot",
    "in_person": "In person",
}
PRIORITIES = {
    "low": "Low",
    "normal": "Normal",
    "medium": "Medium",
    "high": "High",
    "urgent": "Urgent",
    "critical": "Critical",
}
TYPES = {
    "question": "Question",
    "incident": "Incident",
    "problem": "Problem",
    "task": "Task",
    "request": "Request",
    "complaint": "Complaint",
}
STATES = {
    "offline": "Offline",
    "available": "Available",
    "handling": "Handling",
    "after_call_work": "After-call work",
    "break": "Break",
    "meeting": "Meeting",
    "training": "Training",
    "away": "Away",
}
CATALOG = Catalog(
    none="(none)",
    unknown="(unknown)",
    other="Other",
    all="(all)",
    replies="Replies",
    weekdays=WEEKDAYS,
    months=(
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
    month="{month} {year}",
    quarter="Q{number} {year}",
    week="Week {number}, {year}",
    members={
        Labels.CHANNEL: CHANNELS,
        Labels.PRIORITY: PRIORITIES,
        Labels.TYPE: TYPES,
        Labels.CUSTOMER_TYPE: {"person": "Person", "company": "Company"},
        Labels.REGISTERED: {"true": "Yes", "false": "No"},
    },
    states=STATES,
    dimensions={},
    metrics={},
)  # fmt: skip
