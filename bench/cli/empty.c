// empty: a process that does nothing, linked like the program. Below this no command can come.
int main(void)
{
    return 0;
}
