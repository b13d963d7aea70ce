"""IMS makes an image of a volume in a job: the way where EVS no longer exports by itself."""

from collections.abc import Iterator

from volume_images.cloud.answers import clean
from volume_images.cloud.endpoints import Service
from volume_images.cloud.fields import Entry, part
from volume_images.cloud.session import CloudSession
from volume_images.errors import CloudUnavailable, NotFound
from volume_images.model import ExportJob, ExportRequest, ImageJob, JobStatus

_STATUSES = {
    "INIT": JobStatus.RUNNING,
    "RUNNING": JobStatus.RUNNING,
    "SUCCESS": JobStatus.SUCCEEDED,
    "FAIL": JobStatus.FAILED,
}


class ImageJobs:
    """Starts and reads the jobs of one project."""

    def __init__(self, session: CloudSession, service: Service, project_id: str) -> None:
        self._session = session
        self._base = service.base
        self._project_id = project_id

    def start(self, request: ExportRequest) -> ExportJob:
        """POST the job ("Creating an Image", from a data disk): it takes the name alone."""
        image = {"name": request.image_name, "volume_id": request.volume_id}
        return self._session.post_once(
            f"{self._base}/v2/cloudimages/action",
            {"data_images": [image]},
            lambda answer: ExportJob(answer.identifier("job_id")),
        )

    def read(self, job_id: str) -> ImageJob | None:
        """Read a job ("Querying the Status of an Asynchronous Job"); None when there is none."""
        try:
            answer = self._session.read(f"{self._base}/v1/{self._project_id}/jobs/{part(job_id)}")
        except NotFound:
            return None
        status = _STATUSES.get(answer.text("status"))
        if status is None:
            raise CloudUnavailable(f"{answer.where}: no job has status {answer.text('status')!r}")
        said = f"{answer.text('error_code')} {clean(answer.text('fail_reason'))}".strip()
        return ImageJob(status, next(_image_ids(answer), ""), said)


def _image_ids(answer: Entry) -> Iterator[str]:
    """Find the image in the job, or in its parts: each disk has one of its own."""
    entities = answer.optional_entry("entities")
    if entities is None:
        return
    if entities.text("image_id"):
        yield entities.identifier("image_id")
    for sub_job in entities.optional_entries("sub_jobs_result"):
        yield from _image_ids(sub_job)
