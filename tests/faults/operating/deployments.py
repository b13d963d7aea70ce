"""What a state machine may operate."""

from tests.faults.operating.in_memory import InMemory
from tests.faults.operating.over_http import OverHttp

Deployment = InMemory | OverHttp
