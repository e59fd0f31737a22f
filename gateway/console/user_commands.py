"""What `gatehouse user add|passwd|list|remove` does: each returns lines for people. Raises UserRefused."""

from gateway.console.users import Role, UserStore, one_time_password


def add_user(users: UserStore, name: str, role: str) -> list[str]:
    """Add somebody with a one-time password."""
    password = one_time_password()
    users.add(name, Role(role), password, must_change=True)
    return [f"user {name} ({role}) added", f"one-time password: {password}", "it must be changed at the first sign-in"]


def reset_password(users: UserStore, name: str) -> list[str]:
    """Give somebody a new one-time password and end their sessions."""
    password = one_time_password()
    users.set_password(name, password, must_change=True)
    return [f"one-time password of {name}: {password}", "it must be changed at the next sign-in"]


def list_users(users: UserStore) -> list[str]:
    """Everybody, one line each."""
    return [
        f"{user.name}\t{user.role.value}\t{'must change password' if user.must_change else ''}".rstrip()
        for user in users.all()
    ]


def remove_user(users: UserStore, name: str) -> list[str]:
    """Remove somebody and end their sessions; the last supervisor stays."""
    users.remove(name)
    return [f"user {name} removed"]
