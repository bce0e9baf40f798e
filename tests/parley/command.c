/* command.c — looking into a command: its options, words and blocks by name and place. */
#include <string.h>

#include "play.h"

bool arg_is(const arg_t *arg, const char *opt)
{
	return arg->opt && strcmp(arg->opt->name, opt) == 0;
}

const arg_t *command_opt(const command_t *command, const char *name)
{
	for (size_t i = command->count; i-- > 0;)
		if (arg_is(&command->args[i], name))
			return &command->args[i];
	return NULL;
}

const word_t *command_raw(const command_t *command)
{
	for (size_t i = 0; i < command->count; i++)
		if (command->args[i].body && command->args[i].count)
			return &command->args[i].words[0];
	return NULL;
}

const block_t *command_body(const command_t *command)
{
	for (size_t i = command->count; i-- > 0;)
		if (command->args[i].body)
			return command->args[i].body;
	return NULL;
}

const word_t *command_word(const command_t *command, size_t n)
{
	for (size_t i = 0; i < command->count; i++)
		if (!command->args[i].opt && !command->args[i].body && command->args[i].count && n-- == 0)
			return &command->args[i].words[0];
	return NULL;
}
