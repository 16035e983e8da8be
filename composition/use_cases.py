"""Every use case, a line each."""

from dishka import Provider, Scope, provide, provide_all

from composition.settings import Settings
from composition.telemetry.watching import Watches, watched
from order_service.domain.rules import ShopRules
from order_service.use_cases.amend_order import AmendOrder
from order_service.use_cases.cancel_by_hand import CancelByHand
from order_service.use_cases.cancel_lines import CancelLines
from order_service.use_cases.cancel_order import CancelOrder
from order_service.use_cases.change_account import ChangeAccount
from order_service.use_cases.change_email import ChangeEmail
from order_service.use_cases.change_order import ChangeOrder
from order_service.use_cases.change_password import ChangePassword
from order_service.use_cases.change_status import ChangeStatus
from order_service.use_cases.create_service import CreateService
from order_service.use_cases.deliver_shipment import DeliverShipment
from order_service.use_cases.dismiss_letter import DismissLetter
from order_service.use_cases.edit_lines import EditLines
from order_service.use_cases.end_session import EndSession
from order_service.use_cases.erase_account import EraseAccount
from order_service.use_cases.expire_unpaid_orders import ExpireUnpaidOrders
from order_service.use_cases.export_account import ExportAccount
from order_service.use_cases.find_order import FindOrder
from order_service.use_cases.finish_erasures import FinishErasures
from order_service.use_cases.follow_order import FollowOrder
from order_service.use_cases.forget_old_records import ForgetOldRecords
from order_service.use_cases.get_account import GetAccount
from order_service.use_cases.get_order import GetOrder
from order_service.use_cases.guessing import Guessing
from order_service.use_cases.list_account_events import ListAccountEvents
from order_service.use_cases.list_accounts import ListAccounts
from order_service.use_cases.list_dead_letters import ListDeadLetters
from order_service.use_cases.list_deeds import ListDeeds
from order_service.use_cases.list_order_events import ListOrderEvents
from order_service.use_cases.list_orders import ListOrders
from order_service.use_cases.list_services import ListServices
from order_service.use_cases.list_sessions import ListSessions
from order_service.use_cases.log_in import LogIn, SessionRules
from order_service.use_cases.log_in_service import LogInService
from order_service.use_cases.partition_event_log import LogRules, PartitionEventLog
from order_service.use_cases.place_order import PlaceOrder
from order_service.use_cases.process_order import ProcessOrder
from order_service.use_cases.read_event_log import ReadEventLog
from order_service.use_cases.receive_return import ReceiveReturn
from order_service.use_cases.record_payment import RecordPayment
from order_service.use_cases.record_refund import RecordRefund
from order_service.use_cases.redrive_letter import RedriveLetter
from order_service.use_cases.refresh_session import RefreshSession
from order_service.use_cases.refuse_return import RefuseReturn
from order_service.use_cases.register_account import RegisterAccount
from order_service.use_cases.relay_events import RelayEvents
from order_service.use_cases.remove_service import RemoveService
from order_service.use_cases.request_processing import RequestProcessing
from order_service.use_cases.request_return import RequestReturn
from order_service.use_cases.requeue_stalled_orders import RequeueStalledOrders
from order_service.use_cases.retry_job import RetryJob
from order_service.use_cases.rotate_service_secret import RotateServiceSecret
from order_service.use_cases.run_batch import RunBatch
from order_service.use_cases.screen_again import ScreenAgain
from order_service.use_cases.see_machinery import SeeMachinery
from order_service.use_cases.set_role import SetRole
from order_service.use_cases.settle_letter import SettleLetter
from order_service.use_cases.ship_order import ShipOrder
from order_service.use_cases.stream_order_events import StreamOrderEvents
from order_service.use_cases.write_down import WriteDown

USE_CASES = (
    AmendOrder,
    CancelByHand,
    CancelLines,
    CancelOrder,
    ChangeEmail,
    ChangePassword,
    ChangeStatus,
    CreateService,
    DeliverShipment,
    DismissLetter,
    EditLines,
    EndSession,
    EraseAccount,
    ExpireUnpaidOrders,
    ExportAccount,
    FindOrder,
    FinishErasures,
    FollowOrder,
    ForgetOldRecords,
    GetAccount,
    GetOrder,
    ListAccountEvents,
    ListAccounts,
    ListDeadLetters,
    ListDeeds,
    ListOrderEvents,
    ListOrders,
    ListServices,
    ListSessions,
    LogIn,
    LogInService,
    PartitionEventLog,
    PlaceOrder,
    ProcessOrder,
    ReadEventLog,
    ReceiveReturn,
    RecordPayment,
    RecordRefund,
    RedriveLetter,
    RefreshSession,
    RefuseReturn,
    RegisterAccount,
    RelayEvents,
    RemoveService,
    RequestProcessing,
    RequestReturn,
    RequeueStalledOrders,
    RetryJob,
    RotateServiceSecret,
    RunBatch,
    ScreenAgain,
    SeeMachinery,
    SetRole,
    ShipOrder,
    StreamOrderEvents,
)


class UseCases(Provider):
    """`watches` are around each use case; its parts, which several share, count as it."""

    scope = Scope.APP

    parts = provide_all(ChangeAccount, ChangeOrder, Guessing, SettleLetter, WriteDown)

    def __init__(self, watches: Watches) -> None:
        super().__init__()
        for use_case in USE_CASES:
            self.provide(watched(use_case, watches.use_cases), provides=use_case)

    @provide
    def rules(self, settings: Settings) -> ShopRules:
        return settings.shop_rules

    @provide
    def log_rules(self, settings: Settings) -> LogRules:
        return LogRules(months_kept=settings.event_log_months)

    @provide
    def session_rules(self, settings: Settings) -> SessionRules:
        return SessionRules(lifetime=settings.session_lifetime)
