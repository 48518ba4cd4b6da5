"""Every command, registered by being imported here."""

from service.cli import (  # noqa: F401 - importing registers them
    cmd_check,
    cmd_convert,
    cmd_datasets,
    cmd_demo,
    cmd_dying,
    cmd_evaluate,
    cmd_explain,
    cmd_forget,
    cmd_held,
    cmd_labelbox,
    cmd_money,
    cmd_notify,
    cmd_processes,
    cmd_report,
    cmd_run_reports,
    cmd_runs,
    cmd_status,
    cmd_sync,
    cmd_validate,
    cmd_verify,
)
