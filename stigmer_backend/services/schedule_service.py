"""Our service for schedules of workflows."""

from stigmer_apis._generated.stigmer.schedule.v1.schedule_service_pb2 import (
    ListSchedulesRequest,
    ListSchedulesResponse,
    PauseScheduleRequest,
    PauseScheduleResponse,
    ResumeScheduleRequest,
    ResumeScheduleResponse,
    TriggerScheduleRequest,
    TriggerScheduleResponse,
)
from stigmer_apis._generated.stigmer.schedule.v1.schedule_service_pb2_grpc import ScheduleServiceServicer
from stigmer_apis.transport import aio
from stigmer_backend.workflows.schedules import Schedules


class ScheduleService(ScheduleServiceServicer):
    """Workflows that start by themselves."""

    def __init__(self, schedules: Schedules) -> None:
        self._schedules = schedules

    async def ListSchedules(
        self, request: ListSchedulesRequest, context: aio.ServicerContext[ListSchedulesRequest, ListSchedulesResponse]
    ) -> ListSchedulesResponse:
        """A page of them."""
        return await self._schedules.page(request)

    async def PauseSchedule(
        self, request: PauseScheduleRequest, context: aio.ServicerContext[PauseScheduleRequest, PauseScheduleResponse]
    ) -> PauseScheduleResponse:
        """Start nothing more."""
        return PauseScheduleResponse(schedule=await self._schedules.pause(request.workflow, paused=True))

    async def ResumeSchedule(
        self,
        request: ResumeScheduleRequest,
        context: aio.ServicerContext[ResumeScheduleRequest, ResumeScheduleResponse],
    ) -> ResumeScheduleResponse:
        """Go on."""
        return ResumeScheduleResponse(schedule=await self._schedules.pause(request.workflow, paused=False))

    async def TriggerSchedule(
        self,
        request: TriggerScheduleRequest,
        context: aio.ServicerContext[TriggerScheduleRequest, TriggerScheduleResponse],
    ) -> TriggerScheduleResponse:
        """Start it now."""
        return TriggerScheduleResponse(execution_id=await self._schedules.trigger(request.workflow))
