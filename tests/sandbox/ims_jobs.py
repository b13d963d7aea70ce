"""The jobs in which IMS makes images of attached data disks."""

from typing import Any

from tests.sandbox.answers import coded_error
from tests.sandbox.things import Job
from tests.sandbox.wire import Answer, BadJson, Request, json_answer
from tests.sandbox.world import World
from volume_images.model import VolumeStatus

LARGEST_GIB = 1024
DISK_FORMAT = "zvhd2"


class ImsJobs:
    """Starts and shows the jobs of one project."""

    def __init__(self, world: World) -> None:
        self._world = world

    def start(self, request: Request) -> Answer:
        """Start a job for one data disk; it must be attached to a server."""
        try:
            body = request.json()
        except BadJson as error:
            raise coded_error(400, "IMG.0001", "The request body is not JSON.") from error
        match body:
            case {"data_images": [{"name": str(name), "volume_id": str(volume_id)}]}:
                return self._start(name, volume_id)
            case _:
                raise coded_error(400, "IMG.0001", "data_images must name one volume_id and a name")

    def show(self, request: Request) -> Answer:
        """Show a job."""
        job = self._world.jobs.get(request.parameters["job_id"])
        if job is None:
            raise coded_error(404, "IMG.0027", "The job does not exist.")
        return json_answer(200, self._document(job))

    def _start(self, name: str, volume_id: str) -> Answer:
        volume = self._world.volumes.get(volume_id)
        if volume is None or volume.size_gib > LARGEST_GIB:
            raise coded_error(400, "IMG.0120", f"Data disk {volume_id} is unavailable.")
        if volume.status != VolumeStatus.IN_USE:
            raise coded_error(400, "IMG.0024", f"The status of disk {volume_id} is not allowed.")
        if any(export.volume.id == volume_id for export in self._world.exports):
            raise coded_error(400, "IMG.0022", f"Disk {volume_id} is being made an image of.")
        if self._world.own_images() >= self._world.image_quota:
            raise coded_error(400, "IMG.0015", "The image quota is exceeded.")
        job = self._world.start_job(volume, name=name, disk_format=DISK_FORMAT)
        return json_answer(200, {"job_id": job.id})

    def _document(self, job: Job) -> dict[str, Any]:
        now = self._world.clock.now()
        ended = now >= job.ends_at
        status = ("FAIL" if job.fails else "SUCCESS") if ended else "RUNNING"
        entities: dict[str, Any] = {"sub_jobs_result": [], "subJobId": None}
        if status == "SUCCESS":
            part = {"entities": {"image_id": job.image_id, "image_name": job.image_name}}
            entities["sub_jobs_result"] = [{**part, "status": status, "job_id": f"{job.id}-1"}]
        failed = status == "FAIL"
        return {
            "status": status,
            "job_id": job.id,
            "job_type": "imsVolumesToSysDataImagesJob",
            "begin_time": f"{job.begins_at:%Y-%m-%dT%H:%M:%S.000Z}",
            "end_time": f"{job.ends_at:%Y-%m-%dT%H:%M:%S.000Z}" if ended else None,
            "error_code": "IMG.0120" if failed else None,
            "fail_reason": "The data disk cannot be read." if failed else None,
            "entities": entities,
        }
