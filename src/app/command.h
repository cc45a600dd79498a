/*
 * command: the subcommands of the program. Each reads its own options (argv without the command's
 * name) and returns the exit status: 0, 1 (it did not work), 2 (it was asked wrongly).
 */
#ifndef TT_APP_COMMAND_H
#define TT_APP_COMMAND_H

int tt_command_serve(int argc, char **argv);
int tt_command_store(int argc, char **argv);
int tt_command_token(int argc, char **argv);
int tt_command_user(int argc, char **argv);
int tt_command_verify(int argc, char **argv);
int tt_command_drill(int argc, char **argv);
int tt_command_chat(int argc, char **argv);
int tt_command_timeline(int argc, char **argv);
int tt_command_why(int argc, char **argv);
int tt_command_bench(int argc, char **argv);
int tt_command_push(int argc, char **argv);
int tt_command_backup(int argc, char **argv);
int tt_command_restore(int argc, char **argv);
int tt_command_move(int argc, char **argv);
int tt_command_doctor(int argc, char **argv);
int tt_command_version(int argc, char **argv);

#endif
